import assert from "node:assert/strict";
import * as fc from "fast-check";
import { factsOf } from "../../../provider/core/spec/facts";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { keepingContent, poolSpec } from "../../../provider/core/spec/pool-spec";

const declaration = {
  project: "shop",
  stack: "dev",
  name: "gpu",
  service: "shop/dev/chat",
  template: { run: "node server.js", env: { TOKEN: "s3cret-env" } },
  readiness: { headers: { Authorization: "s3cret-header" } },
};

function specOf(changes: { template?: object; [key: string]: unknown } = {}, workdir: string | null = null) {
  const template = { ...declaration.template, ...changes.template };
  return poolSpec(poolInput.parse({ ...declaration, ...changes, template }), workdir);
}

describe("a pool's revision", () => {
  const template: [string, object][] = [
    ["setup", { setup: "make" }],
    ["run", { run: "other" }],
    ["env", { env: { TOKEN: "other" } }],
    ["port", { port: 9000 }],
    ["resources", { resources: { cpus: 2 } }],
    ["restartToken", { restartToken: "2" }],
  ];
  for (const [part, change] of template) {
    it(`changes with ${part}, and only that part's hash does`, () => {
      const [before, after] = [specOf(), specOf({ template: change })];
      assert.notEqual(after.revision, before.revision);
      const changed = Object.keys(after.parts).filter(
        (name) => after.parts[name as "run"] !== before.parts[name as "run"],
      );
      assert.deepEqual(changed, [part]);
    });
  }

  it("changes with the content of the workdir, not with its name", () => {
    assert.notEqual(specOf({}, "aa").revision, specOf({}, "bb").revision);
    assert.equal(
      specOf({ template: { workdir: "./a" } }, "aa").revision,
      specOf({ template: { workdir: "./b" } }, "aa").revision,
    );
  });

  it("does not change with anything light, while the spec's hash does", () => {
    const light: Record<string, unknown>[] = [
      { replicas: 9 },
      { route: "/v1" },
      { readiness: { path: "/up" } },
      { drainSeconds: 5 },
      { minReadySeconds: 5 },
      { bootSeconds: 5 },
    ];
    for (const change of light) {
      assert.equal(specOf(change).revision, specOf().revision, JSON.stringify(change));
      assert.notEqual(specOf(change).specHash, specOf().specHash, JSON.stringify(change));
    }
  });

  it("does not depend on the order of env", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[A-Z]{1,6}$/), fc.string()), (env) => {
        fc.pre(!("PORT" in env));
        const reversed = Object.fromEntries(Object.entries(env).reverse());
        assert.equal(specOf({ template: { env } }).revision, specOf({ template: { env: reversed } }).revision);
      }),
      { numRuns: 50 },
    );
  });
});

describe("an explicit version", () => {
  it("makes the revision, whatever the template says, while the hashes of its parts tell what differs", () => {
    const [one, other] = [specOf({ version: "v1" }), specOf({ version: "v1", template: { run: "other" } })];
    assert.equal(other.revision, one.revision);
    assert.notEqual(other.parts.run, one.parts.run);
    assert.notEqual(other.specHash, one.specHash);
    assert.notEqual(specOf({ version: "v2" }).revision, one.revision);
    assert.notEqual(specOf().revision, one.revision);
  });

  it("is another revision in another pool", () => {
    assert.notEqual(specOf({ version: "v1", name: "other" }).revision, specOf({ version: "v1" }).revision);
  });

  it("keeps the content that serves, and takes everything light from the declaration", () => {
    const [serving, declared] = [
      specOf({ version: "v1" }),
      specOf({ version: "v1", replicas: 5, template: { run: "other" } }),
    ];
    const kept = keepingContent(serving, declared);
    assert.deepEqual([kept.launch, kept.parts, kept.replicas], [serving.launch, serving.parts, 5]);
    assert.equal(kept.specHash, declared.specHash, "it is what was declared, as far as that goes");
  });
});

describe("a pool's userConfig", () => {
  const config = { temperature: 0.2, key: "s3cret-config" };

  it("is a hash and a reference in spec and facts, and never the value", () => {
    const spec = specOf({ userConfig: config });
    const { hash } = spec.userConfig!;
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.deepEqual(spec.userConfig, {
      hash,
      secret: `config-${hash}`,
      path: "/reconfigure",
      method: "POST",
      timeoutSeconds: 10,
      onRefusal: "report",
    });
    assert.equal(factsOf(spec).userConfig, hash);
    assert.doesNotMatch(JSON.stringify([spec, factsOf(spec)]), /s3cret/);
  });

  it("is no part of the revision, and its hash is this pool's own", () => {
    assert.equal(specOf({ userConfig: config }).revision, specOf().revision);
    const hashOf = (changes: object) => specOf({ userConfig: config, ...changes }).userConfig!.hash;
    assert.notEqual(hashOf({ userConfig: 1 }), hashOf({}));
    assert.notEqual(hashOf({ name: "other" }), hashOf({}));
    assert.notEqual(hashOf({ service: "shop/dev/other" }), hashOf({}));
  });

  it("is another one when it goes another way, as the first way may have been wrong", () => {
    const hashOf = (reconfigure: object) => specOf({ userConfig: config, reconfigure }).userConfig!.hash;
    assert.notEqual(hashOf({ path: "/config" }), hashOf({}));
    assert.notEqual(hashOf({ method: "PUT" }), hashOf({}));
    assert.equal(hashOf({ timeoutSeconds: 3, onRefusal: "replace" }), hashOf({}));
    assert.notEqual(
      factsOf(specOf({ userConfig: config, reconfigure: { onRefusal: "replace" } })).reconfigure,
      factsOf(specOf({ userConfig: config })).reconfigure,
    );
  });

  it("may be anything but null, which is none", () => {
    for (const userConfig of [0, false, "", []]) assert.notEqual(specOf({ userConfig }).userConfig, null);
    assert.equal(specOf({ userConfig: null }).userConfig, null);
  });
});

describe("a pool's spec and facts", () => {
  it("refer to secrets and never hold them", () => {
    const spec = specOf();
    assert.match(spec.launch.envSecret!, /^env-[0-9a-f]{16}$/);
    assert.match(spec.readiness.requestSecret!, /^probe-[0-9a-f]{16}$/);
    assert.doesNotMatch(JSON.stringify([spec, factsOf(spec)]), /s3cret/);
  });

  it("refer to none when there is none", () => {
    const spec = specOf({ template: { env: {} }, readiness: {} });
    assert.equal(spec.launch.envSecret, null);
    assert.equal(spec.readiness.requestSecret, null);
    assert.equal(spec.readiness.method, "GET");
  });

  it("probe by POST when there is a body", () => {
    assert.equal(specOf({ readiness: { body: "{}" } }).readiness.method, "POST");
  });
});

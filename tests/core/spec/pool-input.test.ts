import assert from "node:assert/strict";
import { parse } from "../../../provider/core/spec/check-result";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { poolSpec } from "../../../provider/core/spec/pool-spec";
import { SPOT_DEFAULTS } from "../../../provider/core/spot/spec";
import { rolloutInput } from "../../../provider/core/spec/rollout-input";
import { serviceInput } from "../../../provider/core/spec/service-input";
import { UNKNOWN } from "../../../provider/core/spec/unknown";

const owner = { project: "shop", stack: "dev", name: "chat" };
const pool = { ...owner, service: "shop/dev/chat", template: { run: "node server.js" } };

/** The only reason for which an input is refused. */
function reasonFor(schema: typeof poolInput | typeof serviceInput | typeof rolloutInput, inputs: unknown): string {
  const parsed = parse(schema, inputs);
  assert.ok(!parsed.ok, "was accepted");
  assert.equal(parsed.failures.length, 1, JSON.stringify(parsed.failures));
  return parsed.failures[0]!.reason;
}

describe("what a program may declare", () => {
  it("fills in every default", () => {
    const parsed = parse(poolInput, pool);
    assert.ok(parsed.ok);
    const { route, template, readiness, replicas, drainSeconds, minReadySeconds, bootSeconds } = parsed.value;
    assert.deepEqual(
      { route, template, readiness, replicas, drainSeconds, minReadySeconds, bootSeconds },
      {
        route: "/",
        template: { run: "node server.js", port: 8000, resources: {} },
        readiness: {
          path: "/",
          startupGraceSeconds: 600,
          intervalSeconds: 2,
          timeoutSeconds: 2,
          successThreshold: 1,
          failureThreshold: 3,
        },
        replicas: 1,
        drainSeconds: 60,
        minReadySeconds: 0,
        bootSeconds: 60,
      },
    );
  });

  it("makes a pool of the spot market by the presence of `spot`, with every default filled in", () => {
    const spotOf = (spot: unknown) =>
      poolSpec(poolInput.parse({ ...pool, replicas: 2, capacity: { spot } }), null).spot;
    assert.deepEqual(spotOf({}), SPOT_DEFAULTS);
    assert.equal(spotOf(undefined), null);
    assert.deepEqual(spotOf({ baseOnDemandReplicas: 2, fallbackBudget: { dollarsPerHour: 3 } }), {
      ...SPOT_DEFAULTS,
      baseOnDemandReplicas: 2,
      fallbackBudget: { kind: "dollarsPerHour", dollars: 3 },
    });
  });

  it("refuses a base above the pool's number, and spot fields where nothing asks for spot, by name", () => {
    const reason = (more: object) => reasonFor(poolInput, { ...pool, ...more });
    assert.match(
      reason({ replicas: 2, capacity: { spot: { baseOnDemandReplicas: 3 } } }),
      /^capacity.spot.baseOnDemandReplicas: must not be more than `replicas` \(2\)/,
    );
    assert.match(
      reason({ capacity: { dynamicOnDemandFallback: true } }),
      /^capacity: There is no field `dynamicOnDemandFallback` here: give it as `capacity.spot.dynamicOnDemandFallback`/,
    );
    assert.match(reason({ spot: {} }), /give it as `capacity.spot`/);
    assert.match(reason({ capacity: { spot: { graceSeconds: -1 } } }), /graceSeconds: must be "auto" or a number/);
    assert.match(reason({ capacity: { spot: { fallbackBudget: {} } } }), /either `replicas` or `dollarsPerHour`/);
  });

  it("takes one machine, or a list of which any will do, and refuses by field what is none", () => {
    const accelerators = (given: unknown) => ({ template: { run: "x", resources: { accelerators: given } } });
    for (const given of [{ A10G: 1 }, [{ A10G: 1 }], [{ A10G: 1 }, { L4: 2 }], [{ A10G: UNKNOWN }, UNKNOWN], UNKNOWN]) {
      assert.ok(parse(poolInput, { ...pool, ...accelerators(given) }).ok, JSON.stringify(given));
    }
    const at = "template.resources.accelerators";
    for (const [given, sentence] of [
      ["A10G", `${at}: must be numbers by kind, such as { A10G: 1 }, or a list of these`],
      [[], `${at}: must be numbers by kind`],
      [{ A10G: 0 }, `${at}.A10G: must be a whole number from 1 to 64`],
      [[{ A10G: 1 }, { L4: 0.5 }], `${at}.1.L4: must be a whole number from 1 to 64`],
      [[{ A10G: 1 }, {}], `${at}: must have at least one accelerator in each`],
      [[{ A10G: 1 }, { A10G: 1 }], `${at}: must not have the same twice`],
    ] as const) {
      const reason = reasonFor(poolInput, { ...pool, ...accelerators(given) });
      assert.ok(reason.startsWith(sentence), reason);
    }
  });

  it("takes a capacity weight, which is nothing where it is 1, and refuses one that no replica could have", () => {
    const specOf = (more: object) => poolSpec(poolInput.parse({ ...pool, ...more }), null);
    assert.equal(specOf({ capacityWeight: 1 }).specHash, specOf({}).specHash);
    assert.equal(specOf({ capacityWeight: 2.5 }).capacityWeight, 2.5);
    assert.equal(specOf({ capacityWeight: 2.5 }).revision, specOf({}).revision);
    for (const capacityWeight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1000, 1.005, "2"]) {
      assert.match(
        reasonFor(poolInput, { ...pool, capacityWeight }),
        /^capacityWeight: must be a number from 0\.01 to 100 with at most two decimals/,
      );
    }
  });

  it("refuses header fields that no probe could send", () => {
    const reason = (headers: object) => reasonFor(poolInput, { ...pool, readiness: { path: "/", headers } });
    assert.match(reason({ "a b": "x" }), /is no name of a header field/);
    assert.match(reason({ a: "x\r\nb: y" }), /must be a text of one line/);
  });

  it("names the nearest known field for one that it does not know", () => {
    assert.match(reasonFor(poolInput, { ...pool, timeouts: { creat: "5m" } }), /no field `creat`.*`create`\?/);
    assert.match(reasonFor(poolInput, { ...pool, replica: 4 }), /no field `replica` here. Did you mean `replicas`\?/);
    const template = { ...pool.template, workDir: "./app" };
    assert.match(reasonFor(poolInput, { ...pool, template }), /^template: .*Did you mean `workdir`\?/);
  });

  for (const name of ["autoscaling"]) {
    it(`refuses ${name} by name, as not there yet`, () => {
      assert.match(
        reasonFor(poolInput, { ...pool, [name]: {} }),
        new RegExp(`\`${name}\` is not there yet: leave it out; .+`),
      );
    });
  }

  it("refuses the later fields of template and service by name", () => {
    const template = { ...pool.template, image: "x" };
    assert.match(reasonFor(poolInput, { ...pool, template }), /`image` is not there yet/);
    const misplaced = reasonFor(serviceInput, { ...owner, endpoint: { port: 80 }, tls: {} });
    assert.match(misplaced, /no field `tls` here: give it as `balancer\.tls`/);
  });

  it("refuses an empty run, and a missing one", () => {
    assert.match(
      reasonFor(poolInput, { ...pool, template: { run: " " } }),
      /^template.run: must not be empty: give the shell/,
    );
    assert.match(
      reasonFor(poolInput, { ...pool, template: {} }),
      /^template.run: must be the shell command that starts/,
    );
    assert.match(reasonFor(poolInput, { ...owner, service: "s" }), /^template.run: must be/);
  });

  it("lets unknowns pass at every depth, and holds strict rules on the rest", () => {
    const env = { TOKEN: UNKNOWN };
    assert.ok(parse(poolInput, { ...pool, replicas: UNKNOWN, route: UNKNOWN, template: { run: UNKNOWN, env } }).ok);
    assert.ok(parse(poolInput, { ...pool, template: UNKNOWN, readiness: UNKNOWN }).ok);
    assert.ok(parse(rolloutInput, { ...owner, service: UNKNOWN, pools: [UNKNOWN], strategy: UNKNOWN }).ok);
    assert.match(
      reasonFor(poolInput, { ...pool, template: { run: UNKNOWN, port: 0 } }),
      /template.port: must be a whole/,
    );
  });

  it("never shows a value in a failure, and names no property that may hold secrets", () => {
    const template = { run: "node server.js", env: { "BAD NAME": "s3cret", TOKEN: { value: "s3cret" } } };
    const parsed = parse(poolInput, { ...pool, template, readiness: { headers: { Authorization: ["s3cret"] } } });
    assert.ok(!parsed.ok);
    assert.equal(parsed.failures.length, 3, JSON.stringify(parsed.failures));
    for (const { property, reason } of parsed.failures) {
      assert.equal(property, "");
      assert.doesNotMatch(reason, /s3cret/);
    }
  });

  it("takes any JSON value as userConfig, and fills in how it is sent", () => {
    for (const userConfig of [0, false, "", [], { temperature: 0.2, stop: [null] }]) {
      const parsed = parse(poolInput, { ...pool, userConfig });
      assert.deepEqual(parsed.ok && parsed.value.userConfig, userConfig);
      assert.deepEqual(parsed.ok && parsed.value.reconfigure, {
        path: "/reconfigure",
        method: "POST",
        timeoutSeconds: 10,
        onRefusal: "report",
      });
    }
    assert.ok(parse(poolInput, { ...pool, userConfig: { token: UNKNOWN }, version: UNKNOWN }).ok);
  });

  it("refuses a way of reconfiguring that it does not know, naming the field", () => {
    const reasonOf = (reconfigure: object) => reasonFor(poolInput, { ...pool, userConfig: 1, reconfigure });
    assert.match(reasonOf({ path: "reconfigure" }), /^reconfigure.path: must begin with \//);
    assert.match(reasonOf({ method: "PATCH" }), /^reconfigure.method: must be "POST" or "PUT"/);
    assert.match(reasonOf({ timeoutSeconds: 0 }), /^reconfigure.timeoutSeconds: must be a number of seconds/);
    assert.match(reasonOf({ onRefusal: "ignore" }), /^reconfigure.onRefusal: must be "report" or "replace"/);
  });

  it("refuses a version that is no text", () => {
    assert.match(reasonFor(poolInput, { ...pool, version: 3 }), /^version: must be a name of your own/);
    assert.match(reasonFor(poolInput, { ...pool, version: " " }), /^version: must not be empty/);
  });

  it("refuses PORT in env, since the target gives it", () => {
    const template = { run: "x", env: { PORT: "80" } };
    assert.match(reasonFor(poolInput, { ...pool, template }), /template.env.PORT: .*listen on it/);
  });
});

describe("the endpoint of a service", () => {
  it("listens on 127.0.0.1 unless told otherwise", () => {
    const parsed = parse(serviceInput, { ...owner, endpoint: { port: 8080 } });
    assert.deepEqual(parsed.ok && parsed.value.endpoint, { host: "127.0.0.1", port: 8080 });
  });

  it("needs a port", () => {
    assert.match(reasonFor(serviceInput, owner), /endpoint.port: must be a whole number from 1 to 65535/);
    assert.match(reasonFor(serviceInput, { ...owner, endpoint: { port: 70_000 } }), /endpoint.port: must be/);
  });

  it("takes durations as Pulumi writes them", () => {
    const timeouts = { create: "1h30m", update: 90 };
    assert.ok(parse(serviceInput, { ...owner, endpoint: { port: 1 }, timeouts }).ok);
    const wrong = { ...owner, endpoint: { port: 1 }, timeouts: { create: "soon" } };
    assert.match(reasonFor(serviceInput, wrong), /timeouts.create: must be a number of seconds or a duration/);
  });
});

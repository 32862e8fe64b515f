import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "../../provider/core/spec/check-result";
import { tlsInput, type KeyPair } from "../../provider/core/spec/tls-input";
import { UNKNOWN } from "../../provider/core/spec/unknown";
import { whyNotKeyPair } from "../../provider/handlers/key-pair";
import { makeKeyPair, shownBy, whyNoCertificates } from "../dataplane/support/certificate";
import { freePort } from "../e2e/harness/free-port";
import { ProviderProcess } from "./harness/provider-process";

const owner = { project: "shop", stack: "dev", resourceUrn: "urn:pulumi:dev::shop::type::tls", name: "tls" };
const DAY_MS = 86_400_000;

describe("TLS of a service", function () {
  this.timeout(120_000);
  let provider: ProviderProcess;
  let one: KeyPair;
  let other: KeyPair;
  let port: number;

  before(async function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    one = makeKeyPair("one");
    other = makeKeyPair("other", ["rsa:2048"]);
    provider = await ProviderProcess.start();
    port = await freePort();
  });
  after(async () => {
    if (provider === undefined) return;
    await provider
      .delete("ServeService", "shop/dev/tls/1", { ...owner, serviceId: "shop/dev/tls" })
      .catch(() => undefined);
    await provider.close();
  });

  const declaring = (tls: unknown, more: Record<string, unknown> = {}) => ({
    ...owner,
    endpoint: { port },
    balancer: { tls, ...more },
  });

  it("is refused in preview where it cannot be, by field, and nothing of the key is shown", async () => {
    const weak = makeKeyPair("weak", ["rsa:1024"]);
    const cut = one.certificate.replace(/(\n[^-\n]+){3}/, "");
    const refused: [unknown, RegExp][] = [
      [{ ...one, privateKey: other.privateKey }, /^balancer\.tls\.privateKey: is not that of `certificate`/],
      [{ ...one, privateKey: "s3cret" }, /^balancer\.tls\.privateKey: must be a private key in PEM/],
      [{ ...one, privateKey: one.certificate }, /^balancer\.tls\.privateKey: must be a private key in PEM/],
      [
        { ...one, privateKey: one.privateKey + other.privateKey },
        /^balancer\.tls\.privateKey: must be one private key/,
      ],
      [{ ...one, privateKey: one.privateKey.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") }, /privateKey: is encrypted/],
      [
        { ...one, privateKey: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" },
        /privateKey: cannot be read/,
      ],
      [{ ...one, certificate: "" }, /^balancer\.tls\.certificate: must be a certificate in PEM/],
      [{ ...one, certificate: cut }, /^balancer\.tls\.certificate: number 1 cannot be read/],
      [{ ...one, certificate: one.certificate + one.privateKey }, /certificate: holds a private key as well/],
      [
        { ...one, certificate: other.certificate + one.certificate },
        /certificate: the key is that of number 2: put that/,
      ],
      [{ ...one, certificate: "x".repeat(30_000) }, /certificate: must have at most 24576 characters/],
      [weak, /certificate: its RSA key has 1024 bits/],
      [{ certificate: one.certificate }, /^balancer\.tls\.privateKey: must be a private key in PEM/],
      [{ ...one, key: "x" }, /Did you mean/],
      [{ ...one, http2: "yes" }, /^balancer\.tls\.http2: must be true or false/],
    ];
    for (const [tls, sentence] of refused) {
      const { failures } = await provider.check("ServeService", declaring(tls));
      assert.match(failures[0]?.reason ?? "it was not refused", sentence);
      // Pulumi would print the whole of a property that is named.
      assert.ok(
        failures.every(({ property }) => property !== "balancer"),
        failures[0]?.reason,
      );
      assert.doesNotMatch(JSON.stringify(failures), /s3cret|[A-Za-z0-9+/=]{40}/);
    }
    for (const engine of ["embedded", "haproxy"])
      assert.deepEqual(
        (await provider.check("ServeService", declaring({ ...one, http2: true }, { engine }))).failures,
        [],
      );
    const { failures } = await provider.check("ServeService", declaring(one, { policy: "s" }));
    assert.deepEqual(
      failures.map(({ property }) => property),
      [""],
    );
  });

  it("is refused with a certificate that is out of date", () => {
    const pair = { ...one };
    assert.equal(whyNotKeyPair(pair), null);
    assert.match(whyNotKeyPair(pair, Date.now() + 3 * DAY_MS)!.sentence, /^CN=one was valid until .* 20\d\d GMT: give/);
    assert.match(whyNotKeyPair(pair, Date.now() - DAY_MS)!.sentence, /^CN=one is valid only from/);
    const chained = { ...one, certificate: one.certificate + other.certificate };
    assert.equal(whyNotKeyPair(chained), null);
  });

  it("may be unknown in preview", async () => {
    for (const tls of [UNKNOWN, { ...one, privateKey: UNKNOWN }, { certificate: UNKNOWN, privateKey: UNKNOWN }])
      assert.deepEqual((await provider.check("ServeService", declaring(tls))).failures, []);
  });

  it("is read whatever stands around certificate and key", () => {
    const around = (pem: string) => `Bag Attributes\r\n\r\n${pem.replaceAll("\n", "\r\n")}\r\n\r\n# end`;
    const parsed = parse(tlsInput, {
      certificate: around(one.certificate) + other.certificate,
      privateKey: `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${around(one.privateKey)}`,
    });
    assert.ok(parsed.ok);
    assert.equal(parsed.value.certificate, one.certificate + other.certificate);
    assert.equal(parsed.value.privateKey, one.privateKey);
  });

  it("is served, changes live, and leaves the key nowhere but in files that only this user may read", async () => {
    const { inputs } = await provider.check("ServeService", declaring(one));
    assert.equal(inputs["url"], `https://127.0.0.1:${port}`);
    const { id, outs } = await provider.create("ServeService", inputs);
    assert.equal((await shownBy(port)).name, "one");
    assert.doesNotMatch(JSON.stringify(outs), /PRIVATE KEY|BEGIN/);
    assert.equal((await provider.diff("ServeService", id, outs, inputs)).changes, "unknown");
    assert.deepEqual((await provider.read("ServeService", id, outs)).props, outs);

    const changed = (await provider.check("ServeService", declaring(other), inputs)).inputs;
    const updated = (await provider.update("ServeService", id, outs, changed)).outs;
    assert.equal((await shownBy(port)).name, "other");
    assert.deepEqual(updated["agent"], outs["agent"], "nothing was started again");
    assert.doesNotMatch(JSON.stringify(updated), /PRIVATE KEY|BEGIN/);

    const services = join(provider.project, "state", "pulumi-serve", "services");
    const holding = filesIn(services).filter((file) => readFileSync(file, "utf8").includes("PRIVATE KEY"));
    assert.ok(holding.length > 0);
    for (const file of holding) {
      assert.match(file, /\/secrets\/tls-[0-9a-f]+\.json$|\/dataplane\.json$/);
      assert.equal(statSync(file).mode & 0o077, 0, file);
    }
    const lines = provider.engine.lines.map(({ message }) => message).join("\n");
    assert.doesNotMatch(lines, /PRIVATE KEY|BEGIN/);

    await provider.delete("ServeService", id, updated);
    assert.deepEqual(readdirSync(services), []);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

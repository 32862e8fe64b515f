import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { freePort } from "../e2e/harness/free-port";
import { initFailure, ProviderProcess, type Props } from "./harness/provider-process";

const owner = { project: "shop", stack: "dev", resourceUrn: "urn:pulumi:dev::shop::type::gpu" };
const SERVER = `
let config = null;
require("node:http").createServer((q, r) => {
  if (q.url !== "/tune") return r.end(JSON.stringify({ pid: process.pid, config, code: "one" }));
  let body = "";
  q.on("data", (chunk) => (body += chunk)).on("end", () => {
    const wanted = JSON.parse(body);
    if (wanted.temperature > 1) return r.writeHead(422).end("temperature is above 1");
    config = wanted;
    r.end();
  });
}).listen(process.env.PORT, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));`;

interface Answer {
  pid: number;
  config: { temperature: number; token: string } | null;
  code: string;
}

/** The engine's part, with the real handlers, agent, data plane and a replica. */
describe("userConfig and version through the provider process", function () {
  this.timeout(180_000);
  let provider: ProviderProcess;
  let service: { id: string; outs: Props };
  let port: number;

  before(async () => {
    provider = await ProviderProcess.start();
    mkdirSync(join(provider.project, "app"));
    writeFileSync(join(provider.project, "app", "server.js"), SERVER);
    port = await freePort();
    const { inputs } = await provider.check("ServeService", { ...owner, name: "chat", endpoint: { port } });
    service = await provider.create("ServeService", inputs);
  });
  after(async () => {
    await provider.delete("ServeService", service.id, service.outs).catch(() => undefined);
    await provider.close();
  });

  const checked = async (changes: Props): Promise<Props> => {
    const pool = {
      ...owner,
      name: "gpu",
      service: "shop/dev/chat",
      template: { run: "exec node server.js", workdir: "./app" },
      reconfigure: { path: "/tune", method: "PUT" },
      version: "v1",
      ...changes,
    };
    const { inputs, failures } = await provider.check("ReplicaPool", pool);
    assert.deepEqual(failures, []);
    return inputs;
  };
  const answer = async () => (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Answer;
  const warm = { temperature: 0.9, token: "s3cret" };

  it("reconfigures what runs, fails with the replica's word, redeploys nothing under the same version, and shows no secret", async () => {
    const first = await checked({ userConfig: { temperature: 0.2, token: "s3cret" } });
    let gpu = await provider.create("ReplicaPool", first);
    const { pid, config } = await answer();
    assert.deepEqual(config, { temperature: 0.2, token: "s3cret" });

    const second = await checked({ userConfig: warm });
    gpu = { ...gpu, outs: (await provider.update("ReplicaPool", gpu.id, gpu.outs, second)).outs };
    assert.deepEqual(await answer(), { pid, config: warm, code: "one" });

    const hot = await checked({ userConfig: { ...warm, temperature: 2 } });
    const failed = initFailure(
      await provider.update("ReplicaPool", gpu.id, gpu.outs, hot).catch((thrown: unknown) => thrown),
    );
    assert.match(
      failed.reasons[0]!,
      /replica gpu-1 of pool "gpu" refused the userConfig and goes on with what it had: 422: temperature is above 1/,
    );
    assert.deepEqual(await answer(), { pid, config: warm, code: "one" });

    writeFileSync(join(provider.project, "app", "server.js"), SERVER.replace('"one"', '"two"'));
    const edited = await checked({ userConfig: warm });
    assert.equal(edited["declaredRevision"], first["declaredRevision"]);
    await provider.diff("ReplicaPool", gpu.id, gpu.outs, edited);
    const { outs } = await provider.update("ReplicaPool", gpu.id, gpu.outs, edited);
    assert.deepEqual(await answer(), { pid, config: warm, code: "one" });
    const warnings = provider.engine.lines.filter(({ message }) => message.startsWith('version "v1"'));
    assert.deepEqual(
      warnings.map(({ message }) => message),
      [
        'version "v1" of pool "gpu" is unchanged but its template differs (workdir): nothing is redeployed; give it another version',
      ],
    );

    assert.doesNotMatch(JSON.stringify([outs, failed.properties["facts"], provider.engine.lines]), /s3cret/);
    assert.deepEqual(filesWith("s3cret", join(provider.project, "state")), ["secrets"]);
    await provider.delete("ReplicaPool", gpu.id, outs);
  });
});

/** Names of the folders whose files hold the text. */
function filesWith(text: string, folder: string): string[] {
  const files = readdirSync(folder, { recursive: true }).map((name) => String(name));
  const found = files.filter((name) => {
    const path = join(folder, name);
    return statSync(path).isFile() && readFileSync(path, "latin1").includes(text);
  });
  return [...new Set(found.map((name) => name.split(sep).at(-2)!))];
}

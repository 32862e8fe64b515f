import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { shim } from "../../../sdk/shim";
import { FakeEngine } from "./fake-engine";

const REPOSITORY = resolve(__dirname, "../../..");
const pulumiRequire = createRequire(require.resolve("@pulumi/pulumi/package.json"));
const grpc = pulumiRequire("@grpc/grpc-js");
const { Struct } = pulumiRequire("google-protobuf/google/protobuf/struct_pb");
const { Any } = pulumiRequire("google-protobuf/google/protobuf/any_pb");
const rpc = require("@pulumi/pulumi/proto/provider_pb");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb");
const { Status } = require("@pulumi/pulumi/proto/status_pb");

export type Props = Record<string, any>;
type TypeName = "ServeService" | "ReplicaPool" | "Rollout";

/** What Pulumi saves of a create or update that failed after its first side effect. */
export interface InitFailure {
  id: string;
  properties: Props;
  reasons: string[];
}

/**
 * The real dynamic-provider process with the real shim, in a project folder of its own, driven as the engine drives it.
 * `pulumi-serve/provider` there is this checkout's source, so no build is needed.
 */
export class ProviderProcess {
  private constructor(
    readonly project: string,
    readonly engine: FakeEngine,
    private readonly child: ChildProcess,
    private readonly client: any,
  ) {}

  static async start(): Promise<ProviderProcess> {
    const project = mkdtempSync(join(tmpdir(), "serve-project-"));
    const installed = join(project, "node_modules", "pulumi-serve");
    mkdirSync(installed, { recursive: true });
    mkdirSync(join(project, "state"));
    const source = `require(${JSON.stringify(require.resolve("ts-node/register/transpile-only"))});
      module.exports = require(${JSON.stringify(join(REPOSITORY, "provider", "index.ts"))});`;
    writeFileSync(join(installed, "provider.js"), source);

    const engine = await FakeEngine.start();
    const main = require.resolve("@pulumi/pulumi/cmd/dynamic-provider");
    const child = spawn(process.execPath, [main, engine.address], {
      cwd: project,
      env: {
        ...process.env,
        XDG_STATE_HOME: join(project, "state"),
        TS_NODE_PROJECT: join(REPOSITORY, "tsconfig.json"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const port = await new Promise<string>((found, failed) => {
      child.stdout!.once("data", (chunk: Buffer) => found(chunk.toString().trim()));
      child.once("exit", () => failed(new Error("the dynamic-provider process ended")));
    });
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const provider = new ProviderProcess(project, engine, child, client);
    const configure = new rpc.ConfigureRequest();
    configure.setArgs(Struct.fromJavaScript({}));
    await provider.call("configure", configure);
    return provider;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get ended(): Promise<number | null> {
    if (this.child.exitCode !== null) return Promise.resolve(this.child.exitCode);
    return new Promise((done) => this.child.once("exit", done));
  }

  async close(): Promise<void> {
    this.client.close();
    await this.engine.stop();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = this.ended;
      this.child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.project, { recursive: true, force: true });
  }

  async check(
    type: TypeName,
    news: Props,
    olds: Props = {},
  ): Promise<{ inputs: Props; failures: { property: string; reason: string }[] }> {
    const request = new rpc.CheckRequest();
    request.setOlds(struct(type, olds));
    request.setNews(struct(type, news));
    const reply = await this.call("check", request);
    const failures = reply
      .getFailuresList()
      .map((each: any) => ({ property: each.getProperty(), reason: each.getReason() }));
    return { inputs: plain(reply.getInputs()), failures };
  }

  async diff(
    type: TypeName,
    id: string,
    olds: Props,
    news: Props,
  ): Promise<{ changes: "unknown" | "none" | "some"; replaces: string[] }> {
    const request = new rpc.DiffRequest();
    request.setId(id);
    request.setOlds(struct(type, olds));
    request.setNews(struct(type, news));
    const reply = await this.call("diff", request);
    const changes = (["unknown", "none", "some"] as const)[reply.getChanges() as 0 | 1 | 2];
    return { changes, replaces: reply.getReplacesList() };
  }

  async create(type: TypeName, inputs: Props): Promise<{ id: string; outs: Props }> {
    const request = new rpc.CreateRequest();
    request.setProperties(struct(type, inputs));
    const reply = await this.call("create", request);
    return { id: reply.getId(), outs: plain(reply.getProperties()) };
  }

  async update(type: TypeName, id: string, olds: Props, news: Props): Promise<{ outs: Props }> {
    const request = new rpc.UpdateRequest();
    request.setId(id);
    request.setOlds(struct(type, olds));
    request.setNews(struct(type, news));
    return { outs: plain((await this.call("update", request)).getProperties()) };
  }

  async read(
    type: TypeName,
    id: string,
    props: Props,
  ): Promise<{ id: string; props: Props; inputs: Props | undefined }> {
    const request = new rpc.ReadRequest();
    request.setId(id);
    request.setProperties(struct(type, props));
    const reply = await this.call("read", request);
    const inputs = reply.getInputs();
    return { id: reply.getId(), props: plain(reply.getProperties()), inputs: inputs && plain(inputs) };
  }

  async delete(type: TypeName, id: string, props: Props): Promise<void> {
    const request = new rpc.DeleteRequest();
    request.setId(id);
    request.setProperties(struct(type, props));
    await this.call("delete", request);
  }

  private call(method: string, request: unknown): Promise<any> {
    return new Promise((done, failed) =>
      this.client[method](request, (error: any, reply: unknown) => (error ? failed(error) : done(reply))),
    );
  }
}

/** The partial failure inside a gRPC error; throws when there is none, as then Pulumi would forget the resource. */
export function initFailure(error: any): InitFailure {
  const [details] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (details === undefined) throw error;
  const any = Any.deserializeBinary(Status.deserializeBinary(details).getDetailsList()[0].serializeBinary());
  const failed = rpc.ErrorResourceInitFailed.deserializeBinary(any.getValue_asU8());
  return {
    id: failed.getId(),
    properties: plainWithProvider(failed.getProperties()),
    reasons: failed.getReasonsList(),
  };
}

function struct(type: TypeName, props: Props): unknown {
  return Struct.fromJavaScript({ ...props, __provider: shim(type) });
}

function plain(message: any): Props {
  const { __provider: _text, ...props } = message.toJavaScript();
  return props;
}

function plainWithProvider(message: any): Props {
  return message.toJavaScript();
}

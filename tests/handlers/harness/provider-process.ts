import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { shim } from "../../../sdk/shim";
import { compiled } from "../../agent/compiled";
import { FakeEngine } from "./fake-engine";

export type Props = Record<string, unknown>;
type TypeName = "ServeService" | "ReplicaPool" | "Rollout";

/** What Pulumi saves of a create or update that failed after its first side effect. */
export interface InitFailure {
  id: string;
  properties: Props;
  reasons: string[];
}

/**
 * The real dynamic-provider process with the real shim, in a project folder of its own, driven as the engine drives it.
 * `pulumi-serve/provider` there is this checkout's build: agents and data planes of sources take seconds to start.
 */
export class ProviderProcess {
  private constructor(
    readonly project: string,
    readonly engine: FakeEngine,
    private readonly child: ChildProcess,
    private readonly client: ResourceProviderClient,
  ) {}

  static async start(): Promise<ProviderProcess> {
    const project = mkdtempSync(join(tmpdir(), "serve-project-"));
    const installed = join(project, "node_modules", "pulumi-serve");
    mkdirSync(installed, { recursive: true });
    mkdirSync(join(project, "state"));
    const source = `module.exports = require(${JSON.stringify(compiled("provider/index.js"))});`;
    writeFileSync(join(installed, "provider.js"), source);

    const engine = await FakeEngine.start();
    const main = require.resolve("@pulumi/pulumi/cmd/dynamic-provider");
    const child = spawn(process.execPath, [main, engine.address], {
      cwd: project,
      env: {
        ...process.env,
        XDG_STATE_HOME: join(project, "state"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const port = await new Promise<string>((found, failed) => {
      child.stdout.once("data", (chunk: Buffer) => found(chunk.toString().trim()));
      child.once("exit", () => failed(new Error("the dynamic-provider process ended")));
    });
    const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const provider = new ProviderProcess(project, engine, child, client);
    const configure = new rpc.ConfigureRequest();
    configure.setArgs(Struct.fromJavaScript({}));
    await call((done) => client.configure(configure, done));
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
    const reply = await call<rpc.CheckResponse>((done) => this.client.check(request, done));
    const failures = reply
      .getFailuresList()
      .map((each) => ({ property: each.getProperty(), reason: each.getReason() }));
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
    const reply = await call<rpc.DiffResponse>((done) => this.client.diff(request, done));
    const changes = (["unknown", "none", "some"] as const)[reply.getChanges() as 0 | 1 | 2];
    return { changes, replaces: reply.getReplacesList() };
  }

  async create(type: TypeName, inputs: Props): Promise<{ id: string; outs: Props }> {
    const request = new rpc.CreateRequest();
    request.setProperties(struct(type, inputs));
    const reply = await call<rpc.CreateResponse>((done) => this.client.create(request, done));
    return { id: reply.getId(), outs: plain(reply.getProperties()) };
  }

  async update(type: TypeName, id: string, olds: Props, news: Props): Promise<{ outs: Props }> {
    const request = new rpc.UpdateRequest();
    request.setId(id);
    request.setOlds(struct(type, olds));
    request.setNews(struct(type, news));
    return {
      outs: plain((await call<rpc.UpdateResponse>((done) => this.client.update(request, done))).getProperties()),
    };
  }

  async read(
    type: TypeName,
    id: string,
    props: Props,
  ): Promise<{ id: string; props: Props; inputs: Props | undefined }> {
    const request = new rpc.ReadRequest();
    request.setId(id);
    request.setProperties(struct(type, props));
    const reply = await call<rpc.ReadResponse>((done) => this.client.read(request, done));
    const inputs = reply.getInputs();
    return { id: reply.getId(), props: plain(reply.getProperties()), inputs: inputs && plain(inputs) };
  }

  async delete(type: TypeName, id: string, props: Props): Promise<void> {
    const request = new rpc.DeleteRequest();
    request.setId(id);
    request.setProperties(struct(type, props));
    await call((done) => this.client.delete(request, done));
  }
}

function call<Reply>(send: (done: (error: ServiceError | null, reply: Reply) => void) => unknown): Promise<Reply> {
  return new Promise((done, failed) => send((error, reply) => (error === null ? done(reply) : failed(error))));
}

/** The partial failure inside a gRPC error; throws when there is none, as then Pulumi would forget the resource. */
export function initFailure(error: unknown): InitFailure {
  const [details] = (error as Partial<ServiceError>).metadata?.get("grpc-status-details-bin") ?? [];
  if (!(details instanceof Buffer)) throw error;
  const [detail] = Status.deserializeBinary(details).getDetailsList();
  const failed = rpc.ErrorResourceInitFailed.deserializeBinary(detail!.getValue_asU8());
  const properties = failed.getProperties()!.toJavaScript() as Props;
  return { id: failed.getId(), properties, reasons: failed.getReasonsList() };
}

function struct(type: TypeName, props: Props): Struct {
  return Struct.fromJavaScript({ ...props, __provider: shim(type) });
}

function plain(message: Struct | undefined): Props {
  const { __provider: _text, ...props } = message!.toJavaScript() as Props;
  return props;
}

import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

export interface LogLine {
  severity: number;
  message: string;
  urn: string;
  ephemeral: boolean;
}

/** Listens where Pulumi's engine would, and keeps what is logged. */
export class FakeEngine {
  private constructor(
    private readonly server: Server,
    readonly address: string,
    readonly lines: readonly LogLine[],
  ) {}

  static async start(): Promise<FakeEngine> {
    const server = new Server();
    const lines: LogLine[] = [];
    const log = (call: ServerUnaryCall<LogRequest, Empty>, callback: sendUnaryData<Empty>) => {
      const { request } = call;
      lines.push({
        severity: request.getSeverity(),
        message: request.getMessage(),
        urn: request.getUrn(),
        ephemeral: request.getEphemeral(),
      });
      callback(null, new Empty());
    };
    const unused = (_call: unknown, callback: sendUnaryData<Empty>) => callback(null, new Empty());
    server.addService(EngineService, {
      log,
      getRootResource: unused,
      setRootResource: unused,
      startDebugging: unused,
      requirePulumiVersion: unused,
    });
    const port = await new Promise<number>((done, failed) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error: Error | null, bound: number) =>
        error ? failed(error) : done(bound),
      ),
    );
    return new FakeEngine(server, `127.0.0.1:${port}`, lines);
  }

  /** As when the CLI is killed: nothing listens any more. */
  async stop(): Promise<void> {
    this.server.forceShutdown();
  }
}

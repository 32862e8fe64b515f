import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";
import type * as EngineRpc from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as Engine from "@pulumi/pulumi/proto/engine_pb";
import type { Reporter } from "../ports/reporter";
import { engineAddress } from "./engine-address";

/** What of Pulumi's protocol is used here. The deep paths are no documented API, so nobody else touches them. */
interface EngineProtocol {
  client: EngineRpc.EngineClient;
  request(line: string, urn: string, level: "INFO" | "WARNING"): Engine.LogRequest;
}

let protocol: EngineProtocol | null | undefined;

/**
 * Progress in the Info column of one resource. Information is ephemeral: it shows while the operation runs and leaves no
 * trail of counts behind; warnings stay. Where there is no engine the lines go to stdout, which Pulumi shows as well.
 */
export function engineReporter(urn: string | undefined): Reporter {
  const say = (line: string, level: "INFO" | "WARNING") => {
    protocol ??= connect();
    if (protocol === null || urn === undefined) return void process.stdout.write(`${line}\n`);
    // A line that does not arrive is not worth an error: the engine may be ending.
    protocol.client.log(protocol.request(line, urn, level), () => undefined);
  };
  return { info: (line) => say(line, "INFO"), warn: (line) => say(line, "WARNING") };
}

function connect(): EngineProtocol | null {
  const address = engineAddress();
  if (address === null) return null;
  try {
    const ours = createRequire(__filename);
    const pulumis = createRequire(ours.resolve("@pulumi/pulumi/package.json"));
    const { credentials } = pulumis("@grpc/grpc-js") as typeof Grpc;
    const { EngineClient } = ours("@pulumi/pulumi/proto/engine_grpc_pb") as typeof EngineRpc;
    const { LogRequest, LogSeverity } = ours("@pulumi/pulumi/proto/engine_pb") as typeof Engine;
    const client = new EngineClient(`${address.host}:${address.port}`, credentials.createInsecure());
    return {
      client,
      request(line, urn, level) {
        const request = new LogRequest();
        request.setSeverity(LogSeverity[level]);
        request.setMessage(line);
        request.setUrn(urn);
        request.setEphemeral(level === "INFO");
        return request;
      },
    };
  } catch {
    return null;
  }
}

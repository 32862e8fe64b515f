import type { Socket } from "node:net";
import { ServeError, type ErrorCode, type ErrorScope } from "../core/errors";
import type { DesiredRouting } from "../core/routing";
import type { KeyPair } from "../core/spec/tls-input";

/** How the data plane starts its agent again when that is gone. */
export interface ReviveCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** What can be asked on the control socket: one JSON object a line, answered by id. */
export type ControlRequest =
  | { id: number; method: "hello"; params: { role: "agent"; epoch: number; revive: ReviveCommand } }
  | { id: number; method: "apply"; params: { desired: DesiredRouting } }
  // An order of its own: a balancer that knows nothing of TLS must refuse it, and not serve in clear.
  | { id: number; method: "applyTls"; params: { desired: DesiredRouting; keyPair: KeyPair } }
  | { id: number; method: "observe"; params: Record<string, never> }
  | { id: number; method: "goodbye"; params: Record<string, never> }
  | { id: number; method: "shutdown"; params: { graceSeconds: number } };

export interface WireError {
  code: ErrorCode;
  reasons: [string, ...string[]];
  scope: ErrorScope;
  retryable: boolean;
}

export type ControlResponse = { id: number; result: unknown } | { id: number; error: WireError };

/** Told to every peer without being asked; one that does not know it finds no request of that id and goes on. */
export interface ControlEvent {
  event: "waiting";
}

/** A routing of thousands of replicas is far below this; more is not a message but a mistake. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

export function readMessages(socket: Socket, onMessage: (message: unknown) => void): void {
  let pending = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (pending + text).split("\n");
    pending = lines.pop()!;
    if (pending.length > MAX_LINE_CHARACTERS) socket.destroy();
    for (const line of lines) {
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        // A peer that does not speak the protocol cannot be answered by id.
        socket.destroy();
        return;
      }
      onMessage(message);
    }
  });
}

export function writeMessage(socket: Socket, message: ControlRequest | ControlResponse | ControlEvent): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

export function toWire(error: unknown): WireError {
  if (error instanceof ServeError) {
    const { code, scope, retryable, reasons } = error;
    return { code, scope, retryable, reasons: [...reasons] as [string, ...string[]] };
  }
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: "DataPlaneUnreachable",
    scope: "dataplane",
    retryable: true,
    reasons: [`The load balancer failed on this order: ${why}.`],
  };
}

export function fromWire(error: WireError): ServeError {
  return new ServeError(error);
}

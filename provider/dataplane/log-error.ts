import { sentenceOf } from "../core/errors";

/** Into the data plane's own log: of what nobody waits for. */
export function logError(error: unknown): void {
  process.stderr.write(`${sentenceOf(error)}\n`);
}

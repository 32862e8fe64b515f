import { ServeError, sentenceOf } from "../core/errors";
import type { Props } from "./handler";
import { jsonClean } from "./json-clean";

/**
 * The error that makes Pulumi keep the resource, with what is known of it, and call update at the next `up`. Without the
 * id Pulumi forgets the resource, and everything that the handler made is orphaned. Without `__provider` among the
 * properties the next refresh and destroy fail, as they run the text that is stored there.
 *
 * After a failed update Pulumi keeps the old inputs, so `outs` are to repeat those: `diff` compares with them.
 */
export function partialFailure(error: unknown, id: string, outs: Props, inputs: Props): Error {
  const reasons = error instanceof ServeError ? [...error.reasons] : [sentenceOf(error)];
  const properties = { ...jsonClean(outs), __provider: inputs["__provider"] };
  return Object.assign(new Error(reasons[0], { cause: error }), { id, reasons, properties });
}

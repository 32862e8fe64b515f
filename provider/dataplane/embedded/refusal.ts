import { STATUS_CODES } from "node:http";
import type { ResponseHead } from "./client-request";

/** Why the balancer answers itself: a status and a sentence for the person at the other end. */
export interface Refusal {
  status: 400 | 401 | 404 | 408 | 413 | 417 | 431 | 501 | 502 | 503 | 504;
  sentence: string;
}

/** After a message that cannot be trusted, where its body ends cannot be trusted either. */
export function isUntrusted({ status }: Refusal): boolean {
  return status === 400 || status === 408 || status === 431 || status === 501;
}

/** `bytes`: how long what it says is. */
export function headOfRefusal({ status }: Refusal, bytes: number): ResponseHead {
  let fields = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${bytes}\r\n`;
  if (status === 503) fields += "retry-after: 1\r\n";
  if (status === 401) fields += "www-authenticate: Bearer\r\n";
  return { status, reason: STATUS_CODES[status]!, fields, dated: false, framing: "length" };
}

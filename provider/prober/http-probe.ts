import { Agent, request } from "node:http";
import type { ReadinessSpec } from "../core/spec/pool";

/** What of a probe may be secret: it is read from the store when it is needed and kept nowhere else. */
export interface ProbeSecret {
  headers?: Record<string, string>;
  body?: string;
}

const ERRORS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before an answer",
  EPIPE: "connection closed before an answer",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
};

/** For all probes: `agent: false` would make another one for each. No connection is kept. */
const PROBES = new Agent({ keepAlive: false });

/**
 * Asks once. Null: ready, which is a 2xx status; else why not, in a few words. Every probe has a connection of its own,
 * so that one that hangs, or a keep-alive that ends, says something about this probe only.
 */
export function probeOnce(
  address: { host: string; port: number },
  { path, method, timeoutSeconds }: ReadinessSpec,
  { headers, body }: ProbeSecret,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    const content = method === "POST" ? (body ?? "") : undefined;
    const asked = request({
      host: address.host,
      port: address.port,
      path,
      method,
      agent: PROBES,
      signal,
      headers: { ...headers, ...(content === undefined ? {} : { "content-length": Buffer.byteLength(content) }) },
    });
    const timer = setTimeout(() => {
      resolve(`timed out after ${timeoutSeconds} s`);
      asked.destroy();
    }, timeoutSeconds * 1000);
    asked.on("response", (response) => {
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 300 ? null : `status ${statusCode}`);
      // Read to its end, so that the server sees no broken pipe; the timer ends a body that has none.
      response.resume();
      response.on("error", () => undefined);
    });
    asked.on("error", (error: NodeJS.ErrnoException) => resolve(wordsOf(error)));
    asked.on("close", () => {
      clearTimeout(timer);
      resolve("connection closed before an answer");
    });
    asked.end(content);
  });
}

function wordsOf({ code = "", message }: NodeJS.ErrnoException): string {
  if (code.startsWith("HPE_")) return "the answer is not HTTP";
  return ERRORS[code] ?? (code || message);
}

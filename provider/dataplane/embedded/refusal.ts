import type { IncomingMessage, ServerResponse } from "node:http";

/** Why the balancer answers itself: a status and a sentence for the person at the other end. */
export interface Refusal {
  status: 400 | 401 | 404 | 413 | 431 | 501 | 502 | 503 | 504;
  sentence: string;
}

/** How long the rest of a refused body is read and thrown away, in milliseconds. */
const LINGER_MS = 1000;

/**
 * Answers with a sentence. A body that is still coming is read on for a moment: closing at once would reset the connection,
 * and the reset would overtake the answer.
 */
export function refuse(req: IncomingMessage, res: ServerResponse, { status, sentence }: Refusal): void {
  const bodyPending =
    !req.complete && (req.headers["content-length"] ?? req.headers["transfer-encoding"]) !== undefined;
  const text = `${sentence}\n`;
  const headers: Record<string, string | number> = {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  };
  if (status === 503) headers["retry-after"] = 1;
  if (status === 401) headers["www-authenticate"] = "Bearer";
  // After a message that cannot be trusted, where its body ends cannot be trusted either.
  const untrusted = status === 400 || status === 431 || status === 501;
  if (bodyPending || untrusted) headers["connection"] = "close";
  res.writeHead(status, headers);
  if (!bodyPending || untrusted || req.method === "HEAD") {
    res.end(text);
    return;
  }
  res.write(text);
  const end = (): void => {
    clearTimeout(timer);
    res.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.removeAllListeners("data");
  req.on("error", end);
  req.once("end", end);
  req.once("close", end);
  req.resume();
}

import { request as plain } from "node:http";
import { request as overTls } from "node:https";
import type { GateFacts, WebhookContent } from "../core/gate/external";
import type { GateAnswer } from "../core/observed";
import { AGENT_ENDS, quoted } from "./answer";

/** Of an answer's body so much is read for the reason; the rest is not waited for. */
const BODY_CHARACTERS = 8 * 1024;

/**
 * POSTs the facts as JSON: 2xx passes, every other status fails, redirects too. Without an answer in time it is
 * unreachable. The URL is never part of a reason: it may carry a token.
 */
export function askWebhook(
  { url, headers }: WebhookContent,
  timeoutSeconds: number,
  facts: GateFacts,
  closing: AbortSignal,
): Promise<GateAnswer> {
  return new Promise((resolve) => {
    const content = JSON.stringify(facts);
    const { pathname, search, username, password } = new URL(url);
    const secrets = { headers, pathname, search, username, password };
    const request = new URL(url).protocol === "https:" ? overTls : plain;
    // A connection of its own: it ends with the answer, and nothing of the last try is left for this one.
    const asked = request(url, {
      method: "POST",
      agent: false,
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(content) },
    });
    let status: number | null = null;
    let body = "";
    let ended: GateAnswer | null = null;
    const end = (why: GateAnswer): void => {
      ended ??= why;
      asked.destroy();
    };
    const onClosing = (): void => end(AGENT_ENDS);
    const timer = setTimeout(
      () => end(unreachable(`it did not answer within ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    closing.addEventListener("abort", onClosing);
    asked.on("response", (response) => {
      status = response.statusCode ?? 0;
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
        if (body.length > BODY_CHARACTERS) asked.destroy();
      });
      response.on("error", () => undefined);
    });
    asked.on("error", ({ code, message }: NodeJS.ErrnoException) =>
      end(unreachable(`it cannot be reached: ${message || code}`)),
    );
    asked.on("close", () => {
      clearTimeout(timer);
      closing.removeEventListener("abort", onClosing);
      resolve(
        status === null
          ? (ended ?? unreachable("it closed the connection without an answer"))
          : judge(status, body, secrets),
      );
    });
    asked.end(content);
  });
}

function judge(status: number, body: string, secrets: unknown): GateAnswer {
  const passed = status >= 200 && status < 300;
  return {
    outcome: passed ? "passed" : "failed",
    reason: `it answered ${status}${quoted(body.slice(0, BODY_CHARACTERS), secrets)}`,
  };
}

function unreachable(reason: string): GateAnswer {
  return { outcome: "unreachable", reason };
}

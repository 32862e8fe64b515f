import { request } from "node:http";
import type { ConfigAnswer } from "../core/observed";
import type { Configurer, ConfigRequest } from "../ports/configurer";
import { wordsWithout } from "./refusal-words";

/** More than this of a refusal is never shown. */
const LONGEST_BODY = 4096;
/** "Not now": the replica has a say on the config later, so they are no refusals. */
const NOT_NOW = new Set([408, 425, 429]);

/** Every request has a connection of its own, so that a replica which restarts leaves no half-open one behind. */
export const httpConfigurer: Configurer = {
  async send(asked) {
    const { status, body } = await exchange(asked);
    if (status >= 200 && status < 300) return { hash: asked.hash, outcome: "acknowledged", reason: null };
    if (status < 400 || status > 499 || NOT_NOW.has(status)) throw new Error(`status ${status}`);
    return refusal(asked, status, body);
  },
};

function refusal({ hash, config }: ConfigRequest, status: number, body: string): ConfigAnswer {
  const words = wordsWithout(config, body);
  return { hash, outcome: "refused", reason: words === "" ? String(status) : `${status}: ${words}` };
}

function exchange(asked: ConfigRequest): Promise<{ status: number; body: string }> {
  const { address, path, method, timeoutSeconds } = asked;
  const content = JSON.stringify(asked.config);
  return new Promise((resolve, reject) => {
    const sent = request({
      host: address.host,
      port: address.port,
      path,
      method,
      agent: false,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(content) },
    });
    let onTimeout = () => reject(new Error(`no answer within ${timeoutSeconds} s`));
    const timer = setTimeout(() => {
      onTimeout();
      sent.destroy();
    }, timeoutSeconds * 1000);
    sent.on("response", (response) => {
      const { statusCode: status = 0 } = response;
      let body = "";
      // The status is the answer: a body that breaks off, or has no end, changes nothing of it.
      const over = (onTimeout = () => resolve({ status, body }));
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < LONGEST_BODY) body += chunk;
      });
      response.on("end", over);
      response.on("error", over);
      if (status < 400) over();
    });
    sent.on("error", reject);
    sent.on("close", () => {
      clearTimeout(timer);
      reject(new Error("connection closed before an answer"));
    });
    sent.end(content);
  });
}

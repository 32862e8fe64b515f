// A stand-in for a model server: it answers in one piece or token by token, and it can be told apart from its siblings.
const { createHash, timingSafeEqual } = require("node:crypto");
const { createServer } = require("node:http");

const model = process.env.MODEL ?? "tiny-1";
const streamSeconds = Number(process.env.STREAM_SECONDS ?? 2);
const apiToken = process.env.API_TOKEN ?? "";
const identity = { "x-model": model, "x-replica": process.env.PULUMI_SERVE_REPLICA ?? String(process.pid) };

const UNARY_MS = 10;
const TOKENS = 20;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/health") return answer(response, 200, { status: "ok" });
  if (!authorized(request))
    return answer(response, 401, { error: "send the token as `authorization: Bearer <token>`" });
  // The body is read to its end before the answer, as a model would, so that the connection can be used again.
  request.resume().once("end", () => {
    if (pathname === "/generate") setTimeout(() => answer(response, 200, { model, text: "Hello." }), UNARY_MS);
    else if (pathname === "/stream") stream(response);
    else answer(response, 404, { error: `there is no ${pathname}; try /generate or /stream` });
  });
});

function answer(response, status, body) {
  const text = JSON.stringify(body) + "\n";
  const headers = { ...identity, "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  response.writeHead(status, headers).end(text);
}

function stream(response) {
  response.writeHead(200, { ...identity, "content-type": "text/event-stream", "cache-control": "no-cache" });
  let sent = 0;
  const token = () => {
    if (sent === TOKENS) {
      clearInterval(timer);
      return response.end("data: [DONE]\n\n");
    }
    response.write(`data: ${JSON.stringify({ model, token: sent++ })}\n\n`);
  };
  const timer = setInterval(token, (streamSeconds * 1000) / TOKENS);
  response.once("close", () => clearInterval(timer));
  token();
}

function authorized(request) {
  if (apiToken === "") return true;
  const hash = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(request.headers.authorization ?? ""), hash(`Bearer ${apiToken}`));
}

// The balancer holds its connections open between requests; closing an idle one is its business, never ours.
server.keepAliveTimeout = 0;
server.listen(Number(process.env.PORT), "127.0.0.1");

// Running answers were drained before anybody asks this process to end.
process.once("SIGTERM", () => process.exit(0));

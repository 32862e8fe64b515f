import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * `caching-replica <entries>`: a replica of a language model as far as its prefix cache is concerned. It keeps the beginnings
 * of so many conversations, the least recently used goes first; one that it does not have costs its one accelerator 40 ms,
 * one that it has 2 ms, and whoever comes meanwhile waits. `x-cache` says which it was. It says its port.
 */
const entries = Number(process.argv[2]);
const MISS_MS = 40;
const HIT_MS = 2;
/** What tells conversations apart here. */
const PREFIX_BYTES = 1024;

const cached = new Map<string, true>();
const waiting: (() => void)[] = [];
let busy = false;

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  if (req.method === "GET") return void res.end();
  const pieces: Buffer[] = [];
  req.on("data", (piece: Buffer) => pieces.push(piece));
  req.on("end", () => inTurn(() => prefill(Buffer.concat(pieces).toString("latin1", 0, PREFIX_BYTES), res)));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

function inTurn(work: () => void): void {
  waiting.push(work);
  if (!busy) next();
}

function next(): void {
  const work = waiting.shift();
  busy = work !== undefined;
  work?.();
}

function prefill(prefix: string, res: ServerResponse<IncomingMessage>): void {
  const hit = cached.delete(prefix);
  cached.set(prefix, true);
  if (cached.size > entries) cached.delete(cached.keys().next().value!);
  setTimeout(
    () => {
      res.setHeader("x-cache", hit ? "hit" : "miss");
      res.end("answered");
      next();
    },
    hit ? HIT_MS : MISS_MS,
  );
}

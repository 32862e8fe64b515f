import { open, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { replicaLog } from "../../clouds/local";
import { ServeError } from "../../core/errors";
import { accessLogFile } from "../../host/paths";
import type { Store } from "../../ports/store";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";

const FOLLOW_MS = 250;
const CHUNK_BYTES = 64 * 1024;
const NO_ACCESS_LOG =
  "The service has no access log: set `balancer: { accessLog: true }` in the program and run `pulumi up`, then send it a request.";

export function addLogsCommand(program: Command, terminal: Terminal): void {
  withService(program.command("logs"))
    .description(
      "What a replica's setup and run wrote to stdout and stderr (ended replicas keep theirs for a while), or with --access each request.",
    )
    .argument("[replica]", "its id, as `status` and `events` show it")
    .option("--access", "the balancer's line for each request instead, where `balancer.accessLog` is on")
    .option("-f, --follow", "wait for more until interrupted")
    .action(async (replica: string | undefined, options: { service?: string; access?: true; follow?: true }) => {
      if ((replica === undefined) === (options.access === undefined))
        throw refused("Name one replica, or ask for the requests by --access.");
      const { store, folder } = await selectService(options.service);
      const file = replica === undefined ? accessLogFile(folder) : replicaLog(folder, replica);
      terminal.out(await readFile(`${file}.1`).catch(() => ""));
      let offset = await copyFrom(file, 0, terminal);
      if (offset === null && !(options.access && options.follow))
        throw replica === undefined ? refused(NO_ACCESS_LOG) : await unknown(store, replica);
      offset ??= 0;
      while (options.follow) {
        await sleep(FOLLOW_MS);
        offset = (await copyFrom(file, offset, terminal)) ?? offset;
      }
    });
}

/** Writes what is there beyond `offset` and says where it ended; a log that became shorter was rotated. */
async function copyFrom(file: string, offset: number, terminal: Terminal): Promise<number | null> {
  const log = await open(file, "r").catch(() => null);
  if (log === null) return null;
  try {
    const { size } = await log.stat();
    let at = size < offset ? 0 : offset;
    while (at < size) {
      const { buffer, bytesRead } = await log.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) break;
      terminal.out(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    return at;
  } finally {
    await log.close();
  }
}

async function unknown(store: Store, replica: string): Promise<ServeError> {
  const known = Object.keys((await store.readState())?.value.replicas ?? {});
  const there = known.length === 0 ? "None runs now." : `There are: ${known.join(", ")}.`;
  return refused(`Replica "${replica}" has no log. ${there}`);
}

function refused(reason: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [reason] });
}

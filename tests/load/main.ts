import { LoadClient } from "./client";
import type { FromLoad, LoadOptions, LoadProgress, ToLoad } from "./protocol";
import type { Kill, RequestRecord } from "./record";
import { reportOf } from "./report";

const options = JSON.parse(process.argv[2] ?? "{}") as LoadOptions;
const { url, clients = 16, token, pauseMs = 0, patienceMs = 30_000 } = options;
const callers = Array.from(
  { length: clients },
  (_, client) =>
    new LoadClient({ url, client, kind: client % 3 === 2 ? "stream" : "unary", token, pauseMs, patienceMs }),
);
const kills: Kill[] = [];

process.on("message", (message: ToLoad) => {
  switch (message.kind) {
    case "kill":
      kills.push(message.kill);
      return;
    case "progress":
      return tell({ kind: "progress", progress: progress() });
    case "stop":
      void stop();
      return;
  }
});
// Whoever started this load is gone: nobody would ever stop it.
process.once("disconnect", () => process.exit());

for (const caller of callers) caller.start();
tell({ kind: "ready" });

function records(): RequestRecord[] {
  return callers.flatMap((caller) => caller.records);
}

function progress(): LoadProgress {
  const all = records();
  const byModel: Record<string, number> = {};
  let lastOkAt: number | null = null;
  let troubles = 0;
  for (const { outcome, end, model } of all) {
    if (outcome.kind !== "ok") troubles++;
    else lastOkAt = Math.max(lastOkAt ?? 0, end);
    if (model !== null) byModel[model] = (byModel[model] ?? 0) + 1;
  }
  const openStreams: Record<string, number> = {};
  for (const { kind, answering } of callers) {
    if (kind === "stream" && answering !== null) openStreams[answering] = (openStreams[answering] ?? 0) + 1;
  }
  const reconnects = callers.flatMap((caller) => caller.reconnects);
  return { requests: all.length, troubles, lastOkAt, byModel, reconnects, openStreams };
}

async function stop(): Promise<void> {
  await Promise.all(callers.map((caller) => caller.stop()));
  const all = records();
  const reconnects = callers.flatMap((caller) => caller.reconnects);
  // The channel is closed only when the report, which is long, has gone through it.
  const report: FromLoad = { kind: "report", report: reportOf(all, reconnects, kills), records: all };
  process.send?.(report, () => process.disconnect());
}

function tell(message: FromLoad): void {
  process.send?.(message);
}

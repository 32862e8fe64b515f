import type { Kill, Reconnect, RequestRecord } from "./record";

export interface LoadReport {
  requests: number;
  failed: number;
  /** Responses cut for any reason but a kill; unary bodies count as well. */
  streamsCut: number;
  /** Responses that had begun on a killed replica at that instant: their truncation is what must be seen. */
  streamsCutByKill: number;
  reconnects: Reconnect[];
  /** Everything that did not end well, for whoever has to find out why. */
  troubles: RequestRecord[];
  /** Requests answered by each replica and by each model text. */
  byReplica: Record<string, number>;
  byModel: Record<string, number>;
  latencyMs: { p50: number; p99: number; max: number };
  seconds: number;
}

export function reportOf(
  records: readonly RequestRecord[],
  reconnects: Reconnect[],
  kills: readonly Kill[],
): LoadReport {
  const troubles = records.filter((record) => record.outcome.kind !== "ok");
  const cuts = troubles.filter((record) => record.outcome.kind === "cut");
  const cutsByKill = cuts.filter((record) => wasCutBy(record, kills));
  const unary = records.filter((record) => record.kind === "unary").map(({ start, end }) => end - start);
  unary.sort((a, b) => a - b);
  const at = (share: number): number => unary[Math.min(unary.length - 1, Math.floor(unary.length * share))] ?? 0;
  const first = records.reduce((least, { start }) => Math.min(least, start), Infinity);
  const last = records.reduce((most, { end }) => Math.max(most, end), -Infinity);
  return {
    requests: records.length,
    failed: troubles.length - cuts.length,
    streamsCut: cuts.length - cutsByKill.length,
    streamsCutByKill: cutsByKill.length,
    reconnects,
    troubles,
    byReplica: countBy(records, ({ replica }) => replica),
    byModel: countBy(records, ({ model }) => model),
    latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
    seconds: records.length === 0 ? 0 : (last - first) / 1000,
  };
}

/** A dead replica cannot begin a response, so its name in the head proves that the response had begun before the kill. */
function wasCutBy({ replica, start, end }: RequestRecord, kills: readonly Kill[]): boolean {
  return kills.some((kill) => kill.replica === replica && start <= kill.at && end >= kill.at);
}

function countBy(
  records: readonly RequestRecord[],
  key: (record: RequestRecord) => string | null,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const record of records) counts[key(record) ?? "none"] = (counts[key(record) ?? "none"] ?? 0) + 1;
  return counts;
}

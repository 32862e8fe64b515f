import type { ServeEvent } from "../events";
import type { WorldRollout } from "./rollout";
import type { Step, Violation } from "./step";
import type { World } from "./world";

/** One rollout of the log, in a line. */
export interface RolloutReport {
  id: number;
  version: number;
  strategy: WorldRollout["strategy"];
  origin: Extract<ServeEvent, { kind: "rolloutStarted" }>["origin"];
  outcome: Extract<ServeEvent, { kind: "rolloutEnded" }>["outcome"] | "inProgress";
  /** From its start to its end, or to the end of the log. */
  seconds: number;
  /** Per pool: the most VMs that a tick left, and how many there might be then. */
  peak: Record<string, { vms: number; cap: number }>;
  /** The first breach of any invariant between its start and its end; null: none. */
  violation: Violation | null;
}

/** Every rollout that the log tells of, in order. */
export function rolloutsOf(steps: readonly Step[], violations: readonly Violation[]): RolloutReport[] {
  const spans: { report: RolloutReport; startedAt: number; first: number; last: number }[] = [];
  for (const { events, after } of steps) {
    for (const event of events) {
      if (event.kind === "rolloutStarted") {
        const { rollout: id, version, strategy, origin, seq, at } = event;
        const report = { id, version, strategy, origin, outcome: "inProgress" as const, seconds: 0, peak: {} };
        spans.push({
          report: { ...report, violation: null },
          startedAt: at,
          first: seq,
          last: Number.MAX_SAFE_INTEGER,
        });
      }
      const span = spans.at(-1);
      if (span === undefined || span.report.outcome !== "inProgress") continue;
      span.report.seconds = (event.at - span.startedAt) / 1000;
      if (event.kind !== "rolloutEnded" || event.rollout !== span.report.id) continue;
      Object.assign(span.report, { outcome: event.outcome, seconds: event.seconds });
      span.last = event.seq;
    }
    const span = spans.at(-1);
    if (after.rollout !== null && span?.report.id === after.rollout.id) notePeak(span.report, after.rollout, after);
  }
  return spans.map(({ report, first, last }) => ({
    ...report,
    violation: violations.find(({ seq }) => seq >= first && seq <= last) ?? null,
  }));
}

function notePeak({ peak }: RolloutReport, { cap }: WorldRollout, { replicas }: World): void {
  for (const [pool, limit] of Object.entries(cap)) {
    const vms = [...replicas.values()].filter((replica) => replica.pool === pool).length;
    if (vms > (peak[pool]?.vms ?? 0)) peak[pool] = { vms, cap: limit };
  }
}

import type { ServeEvent } from "../events";
import { violation, type Violation } from "./step";

/** Every replica of the log and what became of it. */
export interface Books {
  /** Launched, and neither ended nor lost nor failed by the end of the log. */
  alive: string[];
  /** Seen with our tag, in no state, and still listed at the end of the log. */
  orphans: string[];
  violations: Violation[];
}

/**
 * What a log can say about orphans: that no replica falls out of the books untold, nor comes back under its old id,
 * that a pool is gone only after all of its replicas, and that a foreign VM was told before its end. That a VM of which
 * nobody ever told exists, only the cloud's listing can say: it is the source of `orphanSeen`. How long an ending takes
 * is the cloud's affair, so what is still there at the end is listed, not refuted. In a log with a part missing,
 * what was launched in that part is unknown and not judged.
 */
export function keepBooks(events: readonly ServeEvent[]): Books {
  const whole = events.every(({ seq }, index) => seq === index + 1);
  const replicas = new Map<string, { pool: string; gone: boolean }>();
  const orphans = new Set<string>();
  const violations: Violation[] = [];
  const broken = (event: ServeEvent, sentence: string) => violations.push(violation("noOrphan", event, sentence));
  for (const event of events) {
    if (event.kind === "replicaLaunching") {
      const { replica, pool } = event;
      if (replicas.has(replica)) broken(event, `Replica ${replica} was launched a second time under its old id.`);
      replicas.set(replica, { pool, gone: false });
    } else if (event.kind === "orphanSeen") {
      if (replicas.get(event.replica)?.gone === false) {
        broken(event, `Replica ${event.replica} fell out of the state without a word about its end.`);
      }
      orphans.add(event.replica);
    } else if (event.kind === "orphanEnded") {
      const known = orphans.delete(event.replica);
      if (!known && whole) broken(event, `Orphan ${event.replica} ended and was never told to be there.`);
    } else if (event.kind === "poolDeclared" && event.change === "removed") {
      const left = [...replicas].find(([, { pool, gone }]) => pool === event.pool && !gone);
      if (left !== undefined)
        broken(event, `Pool "${event.pool}" was told to be gone while ${left[0]} was still there.`);
    } else if ("replica" in event && event.kind !== "guardRefused") {
      const found = replicas.get(event.replica);
      if (found?.gone === true || (found === undefined && whole)) {
        const why = found === undefined ? "was never launched" : "was gone already";
        broken(event, `Replica ${event.replica} is told of (${event.kind}) and ${why}.`);
      }
      if (found !== undefined && isEnd(event)) found.gone = true;
    }
  }
  const alive = [...replicas].filter(([, { gone }]) => !gone).map(([id]) => id);
  return { alive, orphans: [...orphans], violations };
}

function isEnd({ kind }: ServeEvent): boolean {
  return kind === "replicaEnded" || kind === "replicaLost" || kind === "launchFailed";
}

import type { DesiredRouting } from "../../core/routing";
import type { Revision } from "../../core/spec/pool";
import { countFailedTries, type VersionCounts } from "../version-counts";
import type { Seen } from "./report";
import type { ServerTraffic } from "./traffic";

/** The tries that one look at a replica showed. */
interface Unproven {
  pool: string;
  revision: Revision;
  tries: number;
  at: number;
}

/**
 * Counts against each version the tries that broke at its replicas and were made good by others. HAProxy tells a lost
 * replica by its checks only, so tries count once those would have shown it and it is still up: if it is gone, its version
 * is not to blame.
 */
export class FailedTries {
  /** What each server of each process has told so far. */
  private counted = new Map<string, number>();
  private readonly unproven = new Map<string, Unproven[]>();

  constructor(private readonly versions: VersionCounts) {}

  /** The process that takes connections comes first: only there the servers are checked. */
  look(desired: DesiredRouting, seen: readonly Seen[], now: number): void {
    const counted = new Map<string, number>();
    for (const { worker, pools, traffic } of seen) {
      for (const server of traffic.servers) {
        const key = `${worker}/${server.backend}/${server.name}`;
        const before = this.counted.get(key) ?? 0;
        counted.set(key, server.retried);
        const pool = pools[server.pool];
        if (server.retried <= before || pool === undefined) continue;
        const { revision } = server;
        this.waiting(server).push({ pool, revision, tries: server.retried - before, at: now });
      }
    }
    this.counted = counted;
    const checked = new Map(seen[0]?.traffic.servers.map((server) => [keyOf(server), server]));
    for (const [key, tries] of this.unproven) {
      const server = checked.get(key);
      if (server === undefined) this.unproven.delete(key);
      else if (server.healthy) this.unproven.set(key, this.prove(desired, tries, now));
    }
  }

  private prove(desired: DesiredRouting, tries: Unproven[], now: number): Unproven[] {
    return tries.filter(({ pool, revision, tries, at }) => {
      if (now - at < checksTakeMs(desired, pool)) return true;
      countFailedTries(this.versions.of(pool, revision), tries);
      return false;
    });
  }

  private waiting(server: ServerTraffic): Unproven[] {
    const known = this.unproven.get(keyOf(server)) ?? [];
    this.unproven.set(keyOf(server), known);
    return known;
  }
}

/** A replica that restarted in place as another revision begins anew. */
function keyOf({ replica, revision }: ServerTraffic): string {
  return `${replica}/${revision}`;
}

/** After so long a replica that is gone is known to be. */
function checksTakeMs({ routes }: DesiredRouting, pool: string): number {
  const route = routes.find((each) => each.pool === pool);
  if (route === undefined) return 0;
  const { intervalSeconds, failureThreshold, timeoutSeconds } = route.readiness;
  return (intervalSeconds * failureThreshold + timeoutSeconds) * 1000;
}

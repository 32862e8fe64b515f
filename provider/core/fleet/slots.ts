import type { Slot } from "../spot/candidate";
import type { Replica } from "../state";
import { isNoticed } from "./census";
import { candidateIn } from "./places";

/** A pool's replicas as the spot policy sees them. Of its on-demand ones the oldest `base` are the base, the rest stand in. */
export function slotsOf(replicas: readonly Replica[], base: number): Slot[] {
  const standing = standIns(replicas, base);
  return replicas.flatMap((replica): Slot[] => {
    const status = statusOf(replica);
    if (status === null) return [];
    const { id, market, launchedAt, readyAt, atRiskSince } = replica;
    const { target, region, zone } = candidateIn(replica);
    const shape = replica.shape === undefined ? {} : { shape: replica.shape };
    const at = { target, region, zone, ...shape, ...(atRiskSince !== undefined && { atRisk: true as const }) };
    return [{ id, market, ...at, status, launchedAt, readyAt, fallback: standing.has(id) }];
  });
}

function standIns(replicas: readonly Replica[], base: number): Set<string> {
  const onDemand = replicas.filter((replica) => replica.market === "onDemand" && statusOf(replica) !== null);
  const oldest = onDemand.sort((a, b) => a.launchedAt - b.launchedAt || (a.id < b.id ? -1 : 1));
  return new Set(oldest.slice(base).map(({ id }) => id));
}

/** Null: it is on its way out. */
function statusOf(replica: Replica): Slot["status"] | null {
  const { status } = replica;
  if (status === "draining" || status === "terminating") return null;
  if (isNoticed(replica)) return "noticed";
  return status === "restarting" ? "starting" : status;
}

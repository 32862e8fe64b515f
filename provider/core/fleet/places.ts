import type { Price } from "../cost/price";
import type { Draft } from "../draft";
import type { ErrorScope } from "../errors";
import type { Observed } from "../observed";
import type { Candidate, Market, Slot } from "../spot/candidate";
import { NO_MEMORY, note, type PlacementEvent, type PlacementMemory } from "../spot/memory";
import { NO_SPOT_STATE } from "../spot/mix";
import { choose } from "../spot/placement";
import type { PoolSpot, Replica } from "../state";
import { specOf } from "./restart";

export const NO_POOL_SPOT: PoolSpot = { mix: NO_SPOT_STATE, memory: NO_MEMORY, counts: null, lacks: null };

/** Zones of one region differ in their last letter, at every cloud that we know. */
const ZONE_LETTER = /-?[a-z]$/;

/** The place that a replica is in; null: nobody chose one, and the cloud has not said yet. */
export function candidateIn(zone: string | null, market: Market, dollarsPerHour: number | null = null): Candidate {
  const place = zone ?? "anywhere";
  return {
    key: `${place}/${market}`,
    target: "cloud",
    region: place.replace(ZONE_LETTER, ""),
    zone: place,
    shape: "any",
    market,
    dollarsPerHour,
  };
}

/** Where replicas could be launched, by the cloud's price list; a cloud without one chooses for itself. */
export function candidatesOf(draft: Draft, { prices }: Observed): Candidate[] {
  const known: readonly Price[] = prices ?? draft.state.ledger?.prices ?? [];
  if (known.length === 0) return [candidateIn(null, "spot"), candidateIn(null, "onDemand")];
  return known.map(({ zone, market, dollarsPerHour }) => candidateIn(zone, market, dollarsPerHour));
}

export interface Place {
  /** Null: the cloud chooses. */
  zone: string | null;
  why: string;
}

/** Gives one launch of a tick after the other its place: each counts for the next. */
export class Places {
  private readonly slots: Slot[];

  constructor(
    private readonly candidates: readonly Candidate[],
    private readonly memory: PlacementMemory,
    slots: readonly Slot[],
    private readonly now: number,
    private readonly cautionSeconds: number,
  ) {
    this.slots = [...slots];
  }

  /** Null: there is none just now. */
  next(market: Market): Place | null {
    const { memory, slots, now, cautionSeconds } = this;
    const candidates = this.candidates.filter((candidate) => candidate.market === market);
    const choice = choose({ candidates, memory, slots, now, cautionSeconds });
    if (choice === null) return null;
    const { candidate, reason } = choice;
    const { target, region, zone } = candidate;
    const at = { launchedAt: now, readyAt: null, status: "launching" as const };
    slots.push({ id: `next-${slots.length}`, market, target, region, zone, fallback: false, ...at });
    return { zone: candidate.key === candidateIn(null, market).key ? null : zone, why: reason };
  }
}

/** Why a market gives nothing just now, as its last refusal or loss said. */
export function whyNowhere({ domains }: PlacementMemory, market: Market): string {
  const known = Object.entries(domains).filter(([domain]) => domain.endsWith(`/${market}`));
  const [latest] = known.map(([, domain]) => domain).sort((a, b) => b.at - a.at);
  return latest?.reason ?? `no zone offers the ${market === "spot" ? "spot" : "on-demand"} market`;
}

type Experience =
  | { kind: "ready" }
  | { kind: "refused"; scope: ErrorScope; reason: string }
  /** taken: by the market, which says something of its zone. */
  | { kind: "lost"; taken: boolean };

/** What became of a launch, remembered for the next ones of its pool. Pools that do not use spot leave places to the cloud. */
export function remember(draft: Draft, replica: Replica, experience: Experience): void {
  const pool = draft.state.pools[replica.pool];
  const spec = specOf(draft, replica.pool, replica.revision);
  if (pool === undefined || (pool.spot === undefined && !spec?.spot)) return;
  const spot = pool.spot ?? NO_POOL_SPOT;
  const memory = note(spot.memory, placementEvent(replica, experience, draft.now), draft.now);
  if (memory !== spot.memory) draft.patchPool(replica.pool, { spot: { ...spot, memory } });
}

/** True where a refused place is for the next launch to avoid, and not for the whole pool to wait for. */
export function choosesPlaces(draft: Draft, { pool, revision }: Replica): boolean {
  return Boolean(specOf(draft, pool, revision)?.spot);
}

function placementEvent(replica: Replica, experience: Experience, now: number): PlacementEvent {
  const candidate = candidateIn(replica.zone, replica.market);
  switch (experience.kind) {
    case "ready":
      return { kind: "ready", candidate, afterMs: now - replica.launchedAt };
    case "refused":
      return { kind: "refused", candidate, scope: experience.scope, reason: experience.reason };
    case "lost":
      return { kind: "lost", candidate, preempted: experience.taken && replica.market === "spot" };
  }
}

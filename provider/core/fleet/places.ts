import type { Price } from "../cost/price";
import type { Draft } from "../draft";
import type { ErrorScope } from "../errors";
import type { Observed } from "../observed";
import type { Candidate, Market, Slot } from "../spot/candidate";
import { NO_MEMORY, note, type PlacementEvent, type PlacementMemory } from "../spot/memory";
import { NO_SPOT_STATE } from "../spot/mix";
import { choose } from "../spot/placement";
import type { PoolSpec } from "../spec/pool";
import { targetOfZone } from "../spec/zone-name";
import type { PoolSpot, Replica } from "../state";
import { specOf } from "./restart";

export const NO_POOL_SPOT: PoolSpot = { mix: NO_SPOT_STATE, memory: NO_MEMORY, counts: null, lacks: null };

/** Zones of one region differ in their last letter, at every cloud that we know. */
const ZONE_LETTER = /-?[a-z]$/;

/** What a refusal is remembered of that reaches over a whole target. */
const OWN_TARGET = "cloud";

/** The place that a replica is in; null: nobody chose one, and the cloud has not said yet. */
export function candidateIn(zone: string | null, market: Market, dollarsPerHour: number | null = null): Candidate {
  const place = zone ?? "anywhere";
  return {
    key: `${place}/${market}`,
    target: targetOfZone(place) ?? OWN_TARGET,
    region: place.replace(ZONE_LETTER, ""),
    zone: place,
    shape: "any",
    market,
    dollarsPerHour,
  };
}

/** Where replicas could be launched, by the cloud's price list; a cloud without one chooses for itself. */
export function candidatesOf(draft: Draft, observed: Observed): Candidate[] {
  const known = knownPrices(draft, observed);
  if (known.length === 0) return [candidateIn(null, "spot"), candidateIn(null, "onDemand")];
  return known.map(({ zone, market, dollarsPerHour }) => candidateIn(zone, market, dollarsPerHour));
}

function knownPrices({ state }: Draft, { prices }: Pick<Observed, "prices">): readonly Price[] {
  return prices ?? state.ledger?.prices ?? [];
}

/** A cloud of one target places the replicas of a pool that does not use spot by itself; nobody does over several. */
export function choosesPlaces(draft: Draft, { spot }: PoolSpec, observed: Pick<Observed, "prices">): boolean {
  // Absent in what a state of before declares.
  return Boolean(spot) || hasSeveralTargets(draft, observed);
}

function hasSeveralTargets(draft: Draft, observed: Pick<Observed, "prices">): boolean {
  const [first, ...others] = knownPrices(draft, observed).map(({ zone }) => targetOfZone(zone));
  return others.some((target) => target !== first);
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
  // A whole target's domain is its name alone.
  const known = Object.entries(domains).filter(([domain]) => domain.endsWith(`/${market}`) || !domain.includes("/"));
  const [latest] = known.map(([, domain]) => domain).sort((a, b) => b.at - a.at);
  return latest?.reason ?? `no zone offers the ${market === "spot" ? "spot" : "on-demand"} market`;
}

type Experience =
  | { kind: "ready" }
  | { kind: "refused"; scope: ErrorScope; reason: string }
  /** taken: by the market, which says something of its zone. */
  | { kind: "lost"; taken: boolean };

/** What became of a launch, remembered for the next ones of its pool. Without spot only a refusal says anything of a place. */
export function remember(draft: Draft, replica: Replica, experience: Experience): void {
  const pool = draft.state.pools[replica.pool];
  const spec = specOf(draft, replica.pool, replica.revision);
  if (pool === undefined || (pool.spot === undefined && !spec?.spot && experience.kind !== "refused")) return;
  const spot = pool.spot ?? NO_POOL_SPOT;
  const memory = note(spot.memory, placementEvent(replica, experience, draft.now), draft.now);
  if (memory !== spot.memory) draft.patchPool(replica.pool, { spot: { ...spot, memory } });
}

/** True where what refused is for the next launch to avoid, and not for the whole pool to wait for. */
export function hasOtherPlaces(
  draft: Draft,
  { pool, revision }: Replica,
  scope: ErrorScope,
  observed: Observed,
): boolean {
  switch (scope) {
    case "zoneAndType":
    case "market": {
      const spec = specOf(draft, pool, revision);
      return spec !== null && choosesPlaces(draft, spec, observed);
    }
    case "account":
      return hasSeveralTargets(draft, observed);
    case "fatal":
    case "input":
    case "store":
    case "agent":
    case "dataplane":
      return false;
  }
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

import { pricesFor, type Price } from "../cost/price";
import type { Draft } from "../draft";
import type { ErrorScope } from "../errors";
import type { Observed } from "../observed";
import type { Candidate, Market, Slot } from "../spot/candidate";
import { NO_MEMORY, note, type PlacementEvent, type PlacementMemory } from "../spot/memory";
import { NO_SPOT_STATE } from "../spot/mix";
import { choose } from "../spot/placement";
import type { PoolSpec } from "../spec/pool";
import { hasSeveralShapes, shapesOf } from "../spec/shape";
import { targetOfZone } from "../spec/zone-name";
import type { PoolSpot, Replica } from "../state";
import { specOf } from "./restart";

export const NO_POOL_SPOT: PoolSpot = { mix: NO_SPOT_STATE, memory: NO_MEMORY, counts: null, lacks: null };

/** Zones of one region differ in their last letter, at every cloud that we know. */
const ZONE_LETTER = /-?[a-z]$/;

/** Where all machines of a pool are of one shape, nobody has to tell it. */
const ANY_SHAPE = "any";

/** What a refusal is remembered of that reaches over a whole target. */
const OWN_TARGET = "cloud";

/** The place that a replica is in; null: nobody chose one, and the cloud has not said yet. */
export function candidateIn(
  { zone, market, shape }: Pick<Replica, "zone" | "market" | "shape">,
  dollarsPerHour: number | null = null,
): Candidate {
  const place = zone ?? "anywhere";
  return {
    key: shape === undefined ? `${place}/${market}` : `${place}/${shape}/${market}`,
    target: targetOfZone(place) ?? OWN_TARGET,
    region: place.replace(ZONE_LETTER, ""),
    zone: place,
    shape: shape ?? ANY_SHAPE,
    market,
    dollarsPerHour,
  };
}

/** Where such replicas could be launched, by the cloud's price list; a cloud without one chooses for itself. */
export function candidatesOf(draft: Draft, { launch }: PoolSpec, observed: Observed): Candidate[] {
  const known = knownPrices(draft, observed);
  const several = hasSeveralShapes(launch.resources);
  return shapesOf(launch.resources).flatMap((shape) => {
    const named = several && shape !== null ? { shape } : {};
    if (known.length === 0) {
      return (["spot", "onDemand"] as const).map((market) => candidateIn({ zone: null, market, ...named }));
    }
    return pricesFor(known, shape).map(({ zone, market, dollarsPerHour }) =>
      candidateIn({ zone, market, ...named }, dollarsPerHour),
    );
  });
}

function knownPrices({ state }: Draft, { prices }: Pick<Observed, "prices">): readonly Price[] {
  return prices ?? state.ledger?.prices ?? [];
}

/** A cloud of one target places replicas of one shape by itself where spot is not used. */
export function choosesPlaces(draft: Draft, spec: PoolSpec, observed: Pick<Observed, "prices">): boolean {
  // Absent in what a state of before declares.
  const { spot = null, launch } = spec;
  return spot !== null || hasSeveralShapes(launch.resources) || hasSeveralTargets(draft, observed);
}

function hasSeveralTargets(draft: Draft, observed: Pick<Observed, "prices">): boolean {
  const [first, ...others] = knownPrices(draft, observed).map(({ zone }) => targetOfZone(zone));
  return others.some((target) => target !== first);
}

export interface Place {
  /** Null: the cloud chooses. */
  zone: string | null;
  /** Absent: there is only one. */
  shape?: string;
  why: string;
}

/** Gives one launch of a tick after the other its place: each counts for the next. */
export class Places {
  private readonly slots: Slot[];

  constructor(
    private readonly memory: PlacementMemory,
    slots: readonly Slot[],
    private readonly now: number,
    private readonly cautionSeconds: number,
  ) {
    this.slots = [...slots];
  }

  /** Null: there is none just now. */
  next(market: Market, all: readonly Candidate[]): Place | null {
    const { memory, slots, now, cautionSeconds } = this;
    const candidates = all.filter((candidate) => candidate.market === market);
    const choice = choose({ candidates, memory, slots, now, cautionSeconds });
    if (choice === null) return null;
    const { candidate, reason } = choice;
    const { target, region, zone } = candidate;
    const shape = candidate.shape === ANY_SHAPE ? {} : { shape: candidate.shape };
    const at = { launchedAt: now, readyAt: null, status: "launching" as const };
    slots.push({ id: `next-${slots.length}`, market, target, region, zone, ...shape, fallback: false, ...at });
    return { zone: zone === candidateIn({ zone: null, market }).zone ? null : zone, ...shape, why: reason };
  }
}

/** Why a market gives nothing just now, as its last refusal or loss said. */
export function whyNowhere({ domains }: PlacementMemory, market: Market): string {
  // A whole target's domain is its name alone.
  const known = Object.entries(domains).filter(([domain]) => domain.endsWith(`/${market}`) || !domain.includes("/"));
  const [latest] = known.map(([, domain]) => domain).sort((a, b) => b.at - a.at);
  return (
    latest?.reason ?? `no zone offers the ${market === "spot" ? "spot" : "on-demand"} market for what the pool asks for`
  );
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
  const candidate = candidateIn(replica);
  switch (experience.kind) {
    case "ready":
      return { kind: "ready", candidate, afterMs: now - replica.launchedAt };
    case "refused":
      return { kind: "refused", candidate, scope: experience.scope, reason: experience.reason };
    case "lost":
      return { kind: "lost", candidate, preempted: experience.taken && replica.market === "spot" };
  }
}

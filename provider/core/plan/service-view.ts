import { broughtBack, keptBefore, type KeptBefore } from "../rollout/kept";
import { factsOf, type PoolFacts } from "../spec/facts";
import type { State } from "../state";
import type { Strategy } from "../strategy";
import type { Begin } from "./states";

/** What the store says about a service, as far as a plan needs it. */
export interface ServiceView {
  /** Pools that have served and take traffic. */
  serving: Record<string, PoolFacts>;
  /** Target of the rollout under way; null: none. */
  inFlight: string | null;
  /** Where the rollout under way holds; null: it does not. */
  held: Held | null;
  /** By what the rollout under way goes on until it ends, whatever is declared meanwhile; absent: none goes forward. */
  running?: Strategy;
  /** What was replaced by what serves and is kept: declaring it is a way back; absent: nothing. */
  kept?: KeptBefore[];
  /** Why targets were rejected, by target key. */
  rejected: Record<string, string>;
}

export interface Held {
  at: Begin;
  /** It keeps its own surge while it lasts, whatever is declared meanwhile. */
  maxSurgePercent: number;
}

export const NOTHING_THERE: ServiceView = { serving: {}, inFlight: null, held: null, rejected: {} };

export function viewOf(state: State): ServiceView {
  const serving = Object.entries(state.pools)
    .filter(([, pool]) => pool.hasServed && pool.takesTraffic && pool.primary !== null)
    .map(([name, pool]) => [name, factsOf(pool.primary!)] as const);
  const rejected = Object.entries(state.rejected).map(([key, { reason }]) => [key, reason] as const);
  return {
    serving: Object.fromEntries(serving),
    inFlight: state.rollout?.targetKey ?? null,
    held: heldAt(state),
    ...runningOf(state),
    kept: keptBefore(state),
    rejected: Object.fromEntries(rejected),
  };
}

/** Whether the service serves exactly these revisions, so that there is nothing to roll. */
export function serves(target: readonly PoolFacts[], view: ServiceView): boolean {
  return target.every(({ name, revision }) => view.serving[name]?.revision === revision);
}

/** The kept version that the service would be again with this target; null: it is no way back. */
export function keptVersionOf(target: readonly PoolFacts[], { serving, kept }: ServiceView): number | null {
  const others = Object.values(serving).filter(({ name }) => target.every((pool) => pool.name !== name));
  return broughtBack(kept ?? [], [...others, ...target]);
}

/** One that goes back for a newer declaration goes forward again once its own is declared again. */
function runningOf({ rollout }: State): Pick<ServiceView, "running"> {
  if (rollout === null) return {};
  const { direction, strategy } = rollout;
  return direction.kind === "forward" || direction.cause === "superseded" ? { running: strategy } : {};
}

/** The counts of the plan and not those of the moment, which a lost replica changes between preview and `up`. */
function heldAt({ rollout }: State): Held | null {
  if (rollout === null || rollout.held === null || rollout.direction.kind !== "forward") return null;
  if (rollout.strategy.kind !== "surge") return null;
  const { percent, pools, weights } = rollout.plan[rollout.cursor]!;
  return { at: { percent, pools, weights }, maxSurgePercent: rollout.strategy.maxSurgePercent };
}

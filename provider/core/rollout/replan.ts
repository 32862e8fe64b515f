import type { Draft } from "../draft";
import { comingBack, type Census } from "../fleet/census";
import { planPath, planReturn, type Begin } from "../plan/path";
import type { Path, PlannedPool } from "../plan/states";
import { bothOf, capacityOf, unitsOf } from "../plan/units";
import type { RolloutProgress } from "../state";
import { RUNNING } from "./clock";
import { sharesWeights } from "./established";
import { canaryPercentOf } from "./hold";
import { sizesNow } from "./sizes";

/** The same rollout by another way from where it stands: another hold, other numbers, a rollback that is called off. */
export function replan(draft: Draft, reason: string, sizes?: PlannedPool[]): void {
  const rollout = draft.state.rollout!;
  const pools = sizes ?? rollout.pools.map((pool) => sizesNow(draft, pool));
  goOnFrom(draft, { ...rollout, pools }, standing(draft, rollout, Math.floor), reason, "goesOn");
}

/** More replicas than the plan is made for, at once: load does not wait for the next settled state as a declaration can. */
export function replanUpwards(draft: Draft, reason: string): void {
  const rollout = draft.state.rollout!;
  const pools = rollout.pools.map((pool) => largerOf(pool, sizesNow(draft, pool)));
  const grown = { ...rollout, pools };
  const { direction, strategy, plan, cursor } = rollout;
  if (direction.kind === "forward") {
    const waits = plan[cursor]!.settled;
    const begin = standing(draft, rollout, Math.floor);
    const from = waits || strategy.kind !== "surge" ? enlarged(begin, grown) : begin;
    // What bakes or is judged there goes on doing so: another plan must pass no gate by.
    goOnFrom(draft, grown, from, reason, waits ? "waitsAtStart" : "goesOn");
    if (waits) draft.state.rollout = stillSettled(rollout, draft.state.rollout!);
  } else if (direction.walk === "planned") {
    draft.state.rollout = grown;
    planWayBack(draft, direction.mode.mode === "gradual" ? direction.mode.maxSurgePercent : null, reason);
  } else {
    const { cap } = planPath(strategy, pools);
    const { floor, growing } = rollout;
    draft.state.rollout = { ...grown, cap };
    draft.say({ kind: "rolloutReplanned", rollout: rollout.id, reason, pools, cap, floor, growing });
  }
}

/**
 * The traffic is what it was, so a wait that has begun is the same wait: a load that rises again and again must not keep
 * it from ever being over.
 */
function stillSettled(before: RolloutProgress, after: RolloutProgress): RolloutProgress {
  const { settledAt, settledWith, cursorSince, stopped, plan, cursor } = before;
  const gate = before.gate && { ...before.gate, cursor: after.cursor };
  // A gate that failed has failed, whatever comes then.
  if (settledAt === null || before.growing !== after.growing) {
    return { ...after, gate: gate?.verdict.kind === "failed" ? gate : null };
  }
  const counts = Object.entries(plan[cursor]!.pools).map(([name, of]) => [name, of[after.growing]] as const);
  return {
    ...after,
    settledAt,
    settledWith: settledWith ?? Object.fromEntries(counts),
    gate,
    cursorSince,
    stopped,
  };
}

function goOnFrom(
  draft: Draft,
  rollout: RolloutProgress,
  begin: Begin,
  reason: string,
  first: "waitsAtStart" | "goesOn",
): void {
  const { strategy, pools } = rollout;
  const { canary, primary } = begin.weights;
  const lower = (canaryPercentOf(strategy) ?? 100) * (canary + primary) < 100 * canary;
  const path = planPath(strategy, pools, begin);
  if (first === "waitsAtStart") path.states[0]!.settled = true;
  follow(draft, { ...rollout, growing: lower ? "primary" : "canary" }, path, reason);
}

function largerOf(planned: PlannedPool, { from, to }: PlannedPool): PlannedPool {
  return { ...planned, from: Math.max(planned.from, from), to: Math.max(planned.to, to) };
}

/**
 * Where the plan begins, with what is missing for the new numbers: of each version its share; where replicas have no
 * version's share, of what serves, as the new version has still to prove itself.
 */
function enlarged(begin: Begin, rollout: RolloutProgress): Begin {
  const { canary, primary } = begin.weights;
  const total = canary + primary;
  const counts = rollout.pools.map((pool) => {
    const { name, from, to } = pool;
    const there = begin.pools[name]!;
    if (!sharesWeights(rollout)) {
      const units = unitsOf(pool);
      const missing = Math.max(0, Math.ceil((bothOf(pool) - capacityOf(there, units)) / units.primary));
      return [name, { canary: there.canary, primary: there.primary + missing }] as const;
    }
    const share = { canary: Math.ceil((to * canary) / total), primary: Math.ceil((from * primary) / total) };
    const more = { canary: Math.max(there.canary, share.canary), primary: Math.max(there.primary, share.primary) };
    return [name, more] as const;
  });
  return { ...begin, pools: Object.fromEntries(counts) };
}

/** The way back, state by state. */
export function planWayBack(draft: Draft, maxSurgePercent: number | null, reason: string): void {
  const rollout = draft.state.rollout!;
  const { strategy, pools } = rollout;
  const begin = carried(standing(draft, rollout, Math.ceil), rollout, draft.census());
  const path = planReturn({ strategy, maxSurgePercent, pools, begin });
  follow(draft, { ...rollout, growing: "primary" }, path, reason);
}

/**
 * A way back may begin with more VMs than its own cap allows. What is lost of the primary then has no room beside the
 * canaries, and a plan that counts on it would wait for ever: the way back goes on from what is there now.
 */
export function replanWhatHasNoRoom(draft: Draft, census: Record<string, Census>): void {
  const { direction, plan, cursor, pools, cap } = draft.state.rollout!;
  if (direction.kind !== "back" || direction.walk !== "planned") return;
  const lost = pools.some(({ name }) => {
    const { canary, primary } = plan[cursor]!.pools[name]!;
    const there = census[name]!.primary.alive.length + comingBack(census[name]!.canary);
    return canary + primary > cap[name]! && there < primary;
  });
  if (!lost) return;
  const surge = direction.mode.mode === "gradual" ? direction.mode.maxSurgePercent : null;
  planWayBack(draft, surge, "what was lost of the primary has no room beside the canaries");
}

function follow(draft: Draft, rollout: RolloutProgress, path: Path, reason: string): void {
  const { pools, growing } = rollout;
  draft.state.rollout = {
    ...rollout,
    cap: path.cap,
    floor: path.floor,
    plan: path.states,
    cursor: 0,
    cursorSince: draft.now,
    settledAt: null,
    stopped: { ...RUNNING, totalMs: rollout.stopped.totalMs, since: rollout.stopped.since },
    held: null,
    gate: null,
  };
  const { cap, floor } = path;
  const waitsHere = path.states[0]!.settled;
  draft.say({ kind: "rolloutReplanned", rollout: rollout.id, reason, pools, cap, floor, growing, waitsHere });
}

/**
 * In a repair the split may give the primary more than it can carry once that was drained for a higher one: a way back
 * that begins there would wait for traffic that the primary never gets, and never launch what would carry it. But no
 * canary is given what it cannot carry: one pool's lost primaries are no reason to drain those of another.
 */
function carried(begin: Begin, rollout: RolloutProgress, census: Record<string, Census>): Begin {
  if (!sharesWeights(rollout)) return begin;
  const both = rollout.pools.filter(({ from, to }) => from > 0 && to > 0);
  const lacking = both.map(({ name, from }) => Math.ceil((100 * (from - begin.pools[name]!.primary)) / from));
  const carries = both.map(({ name, to }) => Math.floor((100 * census[name]!.canary.ready.length) / to));
  const percent = Math.min(100, Math.max(0, ...lacking), ...carries);
  return percent <= begin.percent ? begin : { ...begin, percent, weights: { canary: percent, primary: 100 - percent } };
}

/**
 * Draining replicas are left out, as they go whatever is planned, but for those that come back as the other version. A split that is no whole percent is
 * rounded to where the side that is about to grow has less of it.
 */
function standing(draft: Draft, rollout: RolloutProgress, round: (share: number) => number): Begin {
  const census = draft.census();
  const { weights } = draft.state.routing;
  const total = weights.canary + weights.primary;
  const countsOf = ({ name }: PlannedPool) => {
    const { canary, primary } = census[name]!;
    const counts = {
      canary: canary.alive.length + comingBack(primary),
      primary: primary.alive.length + comingBack(canary),
    };
    return [name, counts] as const;
  };
  return {
    percent: total === 0 ? 0 : round((100 * weights.canary) / total),
    pools: Object.fromEntries(rollout.pools.map(countsOf)),
    weights,
  };
}

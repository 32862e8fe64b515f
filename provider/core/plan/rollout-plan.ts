import type { Price } from "../cost/price";
import { unproved } from "../rollout/kept";
import { frozenDifference, withLiveParts } from "../rollout/live-parts";
import type { PoolFacts } from "../spec/facts";
import type { Strategy } from "../strategy";
import { changeLine, count } from "./classify";
import { planCost, type PlanCost } from "./cost";
import { peakReplicas, secondsWords } from "./describe";
import { notesOf, scalingNotes } from "./notes";
import { planPath } from "./path";
import { secondsToReady, stepSeconds } from "./seconds";
import { keptVersionOf, type Held } from "./service-view";
import { shownSteps } from "./shown-steps";
import { movingOf, startsOf, type Start, type StartsRequest } from "./starts";
import type { PlannedPool, PlanState } from "./states";
import { weighed } from "./units";
import { unchangedVersion } from "./unchanged-version";

/** What a Rollout shows in preview as its input `plan`. */
export interface RolloutPlan {
  summary: string;
  /** What changes in each pool and how: light, restart or replace. */
  changes: string[];
  /** What the strategy means for this rollout: where it holds and waits, what it costs in capacity, how it goes back. */
  notes: string[];
  /** Each step in words and numbers; of very many the first and the last, with a sentence that says what prints all. */
  steps: string[];
  /** Most VMs of all pools together, against `cap` per pool. */
  peakReplicas: number;
  cap: Record<string, number>;
  /** Boots one after the other, by the pools' `bootSeconds` and `minReadySeconds`; drains end by themselves, often at once. */
  estimatedSeconds: number;
  /** The same with every drain taking its whole `drainSeconds`. */
  longestSeconds: number;
  /** Absent: the target has no prices. */
  cost?: PlanCost;
}

export interface PlanRequest extends StartsRequest {
  targetKey: string;
  strategy: Strategy;
  /** Of the target's zones; none: costs are left out. */
  prices?: readonly Price[];
}

export interface Planned {
  plan: RolloutPlan;
  /** The states of the steps that the plan shows. */
  planStates: PlanState[];
}

/**
 * The plan from what serves to what is declared. Preview computes it before the pools' handlers have run and `up`
 * after; both must get the same, so a light change is read off the last deployment and never off what serves.
 */
export function planRollout(declared: PlanRequest): Planned {
  const request = provedOnce(declared) ? { ...declared, strategy: unproved(declared.strategy) } : declared;
  const starts = startsOf(request);
  const { plan, planStates, states } = planned(request, starts);
  const { prices = [], strategy } = request;
  const cost = planCost({ starts, states, bakeSeconds: strategy.bakeSeconds, prices });
  return { plan: cost === null ? plan : { ...plan, cost }, planStates };
}

function provedOnce({ target, view }: PlanRequest): boolean {
  return view !== null && keptVersionOf(target, view) !== null;
}

/** With every state of the path. */
function planned(request: PlanRequest, starts: readonly Start[]): Planned & { states: PlanState[] } {
  const { target, before } = request;
  const changes = starts
    .flatMap(({ from, pool }) => [changeLine(from, pool), from && unchangedVersion(from, pool)])
    .filter((line) => line !== null);
  for (const { name } of before ?? []) {
    if (!target.some((pool) => pool.name === name)) changes.push(`${name}: leaves the rollout`);
  }
  if (starts.every(({ from }) => from === null)) {
    return still(target, changes, "no steps at first deploy", Math.max(...target.map(secondsToReady)));
  }
  const moving = movingOf(starts);
  if (moving.length === 0) return still(target, changes, "nothing to roll: no new revision", 0);

  const pools = moving.map(({ from, pool }): PlannedPool => ({
    name: pool.name,
    from: from?.replicas ?? 0,
    to: pool.replicas,
    ...weighed(from?.capacityWeight, pool.capacityWeight),
  }));
  const held = heldAt(request, pools);
  const strategy = held === null ? strategyNow(request) : goingOn(held, request.strategy);
  const path = planPath(strategy, pools, held?.at);
  const { cap, states } = path;
  const peak = peakReplicas(states);
  const capTotal = Object.values(cap).reduce((sum, one) => sum + one, 0);
  const { estimatedSeconds, longestSeconds } = duration(
    states,
    moving.map(({ pool }) => pool),
    strategy.bakeSeconds,
  );
  const summary = [
    ...(held === null
      ? []
      : [`goes on from the ${held.at.percent} % where it holds, by its surge of ${held.maxSurgePercent} %`]),
    `${count(states.length - 1, "step")}, at most ${peak} of ${capTotal} replicas at once`,
    `about ${secondsWords(estimatedSeconds)}, at most ${secondsWords(longestSeconds)} if every drain takes its whole time`,
    ...remarks(request, held !== null),
  ].join("; ");
  const notes = [...notesOf(strategy, pools, path), ...scalingNotes(strategy, moving)];
  const shown = shownSteps(states, pools, strategy, held === null ? "start" : "held");
  return {
    plan: { summary, changes, notes, steps: shown.steps, peakReplicas: peak, cap, estimatedSeconds, longestSeconds },
    planStates: shown.states,
    states,
  };
}

/** The hold that a rollout to this target has reached; null: there is none to go on from. */
function heldAt({ view, targetKey }: PlanRequest, pools: readonly PlannedPool[]): Held | null {
  if (view === null || view.held === null || view.inFlight !== targetKey) return null;
  const { held } = view;
  return pools.every(({ name }) => held.at.pools[name] !== undefined) ? held : null;
}

/** A rollout to the same target that is under way goes on by its own plan, so that is what will be seen. */
function strategyNow({ view, targetKey, strategy }: PlanRequest): Strategy {
  if (view?.inFlight !== targetKey || view.running === undefined) return strategy;
  const running = withLiveParts(view.running, strategy);
  if (running.kind !== "surge") return running;
  return { ...running, canaryPercent: strategy.kind === "surge" ? strategy.canaryPercent : null };
}

/** Only the split can be declared anew for a rollout that holds; without one it goes to its end. */
function goingOn({ maxSurgePercent }: Held, declared: Strategy): Strategy {
  const canaryPercent = declared.kind === "surge" ? declared.canaryPercent : null;
  return { ...declared, kind: "surge", maxSurgePercent, canaryPercent };
}

function still(target: PoolFacts[], changes: string[], summary: string, seconds: number) {
  const cap = Object.fromEntries(target.map(({ name, replicas }) => [name, replicas]));
  const replicas = target.reduce((sum, pool) => sum + pool.replicas, 0);
  return {
    plan: {
      summary,
      changes,
      notes: [],
      steps: [],
      peakReplicas: replicas,
      cap,
      estimatedSeconds: seconds,
      longestSeconds: seconds,
    },
    planStates: [],
    states: [],
  };
}

function remarks({ target, targetKey, before, view, strategy }: PlanRequest, goesOn: boolean): string[] {
  if (view === null) return before === null ? [] : ["planned from the last deployment, as the store did not answer"];
  const remarks: string[] = [];
  const kept = keptVersionOf(target, view);
  if (kept !== null) remarks.push(`back to version ${kept}, which served before: no bake and no gate holds it up`);
  const rejected = view.rejected[targetKey];
  if (rejected !== undefined) {
    remarks.push(
      `rejected before, so that nothing will move until the program changes or \`pulumi-serve rollout retry\`: ${rejected}`,
    );
  }
  if (view.inFlight !== null && view.inFlight !== targetKey) {
    remarks.push("another rollout is under way and is taken back first");
  } else if (view.inFlight !== null && !goesOn) {
    remarks.push("a rollout to it is under way already");
  }
  if (view.inFlight === targetKey && view.running !== undefined) {
    const difference = frozenDifference(view.running, strategy);
    if (difference !== null) remarks.push(difference);
  }
  return remarks;
}

/** Steps follow each other, and each settled one bakes. */
function duration(states: readonly PlanState[], pools: readonly PoolFacts[], bakeSeconds: number) {
  const steps = stepSeconds(states, pools, bakeSeconds);
  const estimatedSeconds = steps.reduce((sum, { boots, bake }) => sum + boots + bake, 0);
  return { estimatedSeconds, longestSeconds: steps.reduce((sum, { drains }) => sum + drains, estimatedSeconds) };
}

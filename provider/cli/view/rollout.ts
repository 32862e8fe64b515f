import type { GateVerdict } from "../../core/gate/state";
import type { Condition, RolloutProgress, State, Walk } from "../../core/state";
import type { RollbackMode, Strategy } from "../../core/strategy";

export interface RolloutView {
  id: number;
  /** What serves when it is over, if it does not go back. */
  version: number;
  strategy: Strategy["kind"];
  /** Why an operator brings a kept version back; null: the program declared it. */
  operator: string | null;
  direction: RolloutProgress["direction"]["kind"];
  /** Why it goes back, and how. */
  reason: string | null;
  mode: RollbackMode["mode"] | null;
  /** continuous: as fast as what is ready allows, so that no step is to be reached. */
  walk: Walk;
  /** Of `steps`; 0: at the start. */
  step: number;
  steps: number;
  kind: string;
  percent: number;
  weights: { canary: number; primary: number };
  pools: Record<string, { canary: number; primary: number; cap: number }>;
  held: { percent: number; seconds: number } | null;
  paused: { seconds: number } | null;
  /** The canary failed, and automatic rollback is off. */
  failed: string | null;
  /** Of the settled state that it waits at. */
  gate: GateVerdict | null;
  /** starved: for longer than `capacityWaitSeconds`, so that `up` no longer waits. */
  waitsForCapacity: { seconds: number; starved: boolean; reason: string } | null;
  /** Going back, the primary of a pool does not come up, and the canary serves there: `up` no longer waits. */
  waitsForPrimary: { pool: string; seconds: number; reason: string } | null;
  clocks: Clocks;
  peakReplicas: number;
  seconds: number;
}

/** What the timeouts count, and what they leave out: holds, pauses and capacity waits. */
export interface Clocks {
  runningSeconds: number;
  timeoutSeconds: number;
  stepSeconds: number;
  stepTimeoutSeconds: number | null;
  stoppedSeconds: number;
  isStopped: boolean;
}

export function rolloutView(rollout: RolloutProgress, state: State, now: number): RolloutView {
  const { conditions, routing } = state;
  const goal = rollout.plan[rollout.cursor];
  const { direction, origin, held, paused, gate } = rollout;
  const walk = direction.kind === "back" ? direction.walk : "planned";
  return {
    id: rollout.id,
    version: rollout.version,
    strategy: rollout.strategy.kind,
    operator: origin.kind === "operator" ? origin.reason : null,
    direction: direction.kind,
    reason: direction.kind === "back" ? direction.reason : null,
    mode: direction.kind === "back" ? direction.mode.mode : null,
    walk,
    step: rollout.cursor,
    steps: rollout.plan.length - 1,
    kind: goal?.kind ?? "start",
    percent: goal?.percent ?? 0,
    weights: (walk === "planned" ? goal?.weights : undefined) ?? routing.weights,
    pools: Object.fromEntries(
      Object.entries(goal?.pools ?? {}).map(([name, counts]) => [name, { ...counts, cap: rollout.cap[name] ?? 0 }]),
    ),
    held: held && { percent: held.percent, seconds: seconds(now - held.since) },
    paused: paused && { seconds: seconds(now - paused.since) },
    failed: rollout.failed,
    gate: gate?.cursor === rollout.cursor ? gate.verdict : null,
    waitsForCapacity: capacityWait(conditions, rollout, now),
    waitsForPrimary: primaryWait(state, rollout, now),
    clocks: clocksOf(rollout, now),
    peakReplicas: rollout.peakReplicas,
    seconds: seconds(now - rollout.startedAt),
  };
}

function clocksOf({ startedAt, cursorSince, stopped, strategy }: RolloutProgress, now: number): Clocks {
  const { since } = stopped;
  const stoppedMs = stopped.totalMs + (since === null ? 0 : now - since);
  const stepStoppedMs = stopped.stepMs + (since === null ? 0 : now - Math.max(since, cursorSince));
  return {
    runningSeconds: seconds(now - startedAt - stoppedMs),
    timeoutSeconds: strategy.timeoutSeconds,
    stepSeconds: seconds(now - cursorSince - stepStoppedMs),
    stepTimeoutSeconds: strategy.stepTimeoutSeconds,
    stoppedSeconds: seconds(stoppedMs),
    isStopped: since !== null,
  };
}

function capacityWait(conditions: Condition[], { capacity }: RolloutProgress, now: number) {
  if (capacity === null) return null;
  const reason = conditions.find(({ kind }) => kind === "noCapacity")?.message ?? "the cloud has nothing to give";
  return { seconds: seconds(now - capacity.since), starved: capacity.starved, reason };
}

function primaryWait({ pools }: State, { direction }: RolloutProgress, now: number): RolloutView["waitsForPrimary"] {
  if (direction.kind === "forward" || direction.awaits === undefined) return null;
  const { pool, since } = direction.awaits;
  return { pool, seconds: seconds(now - since), reason: pools[pool]?.failures?.reason ?? "they do not start" };
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

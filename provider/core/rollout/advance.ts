import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Census } from "../fleet/census";
import { seesWhoIsReady } from "../fleet/sight";
import { followGates } from "../gate/follow";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import type { RolloutProgress } from "../state";
import { runOrStop } from "./clock";
import { established } from "./established";
import { holds } from "./hold";
import { newcomersOf } from "./newcomers";
import { replan } from "./replan";
import { sizesNow } from "./sizes";
import { giveUp } from "./turn";

/** Moves the cursor over every plan state that is established and may be left. True when the last one is behind it. */
export function advance(draft: Draft, intent: Intent, observed: Observed, census: Record<string, Census>): boolean {
  if (!seesWhoIsReady(draft)) return false;
  for (;;) {
    const rollout = draft.state.rollout!;
    if (!established(draft, rollout, census, observed.dataplane)) {
      if (rollout.settledAt !== null && !stillStands(draft, rollout, census, observed)) unsettle(draft, rollout);
      return false;
    }
    if (rollout.settledWith !== undefined) draft.state.rollout = wholeAgain(rollout);
    if (!mayLeave(draft, intent, observed, census)) return false;
    const passed = draft.state.rollout!;
    if (passed.cursor === passed.plan.length - 1) {
      if (!isHold(passed)) return true;
      hold(draft, passed);
      return false;
    }
    step(draft, passed);
  }
}

/** More replicas are coming up for the load, and all that had settled is there: the bake goes on, as the split is what it was. */
function stillStands(
  draft: Draft,
  rollout: RolloutProgress,
  census: Record<string, Census>,
  observed: Observed,
): boolean {
  const { settledWith, plan, cursor, growing } = rollout;
  if (settledWith === undefined) return false;
  const goal = plan[cursor]!;
  const pools = Object.fromEntries(
    Object.entries(goal.pools).map(([name, counts]) => [name, { ...counts, [growing]: settledWith[name] ?? 0 }]),
  );
  const before = plan.map((state, index) => (index === cursor ? { ...goal, pools } : state));
  return established(draft, { ...rollout, plan: before }, census, observed.dataplane);
}

function unsettle(draft: Draft, rollout: RolloutProgress): void {
  // Another window opens when it settles again. A gate that failed has failed, whatever comes then.
  const gate = rollout.gate?.verdict.kind === "failed" ? rollout.gate : null;
  draft.state.rollout = { ...wholeAgain(rollout), settledAt: null, gate };
}

function wholeAgain({ settledWith: _of, ...rollout }: RolloutProgress): RolloutProgress {
  return rollout;
}

/** Whether the state at the cursor has been waited for; a rollback waits for nothing. */
function mayLeave(draft: Draft, intent: Intent, observed: Observed, census: Record<string, Census>): boolean {
  const rollout = draft.state.rollout!;
  if (rollout.direction.kind === "back") return true;
  if (!newcomersAreUp(draft, rollout, census)) return false;
  // What is under way was finished, as this state is established: from here on nothing moves (A18).
  if (rollout.paused !== null) return false;
  if (!rollout.plan[rollout.cursor]!.settled) return true;
  if (rollout.settledAt === null) {
    draft.state.rollout = { ...rollout, settledAt: draft.now };
    draft.say({ kind: "rolloutSettled", rollout: rollout.id, percent: percentOf(rollout) });
  }
  if (!waitedFor(draft, intent, observed, rollout)) return false;
  // Only here: another plan begins unsettled, so one made before the gates would pass them by.
  if (!numbersChanged(draft, rollout)) return true;
  replan(draft, "another number or weight of replicas is wanted");
  return false;
}

/** A pool that was added to the service gets its traffic with the first SHIFT, so it is fully up before (A13). */
function newcomersAreUp(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): boolean {
  if (rollout.plan[rollout.cursor]!.weights.canary > 0) return true;
  return newcomersOf(draft, rollout.target).every(
    (name) => census[name]!.primary.ready.length >= (draft.pool(name).primary?.replicas ?? 0),
  );
}

function waitedFor(draft: Draft, intent: Intent, observed: Observed, rollout: RolloutProgress): boolean {
  if (rollout.waved === "everything") return true;
  const verdict = followGates(draft, intent, observed);
  switch (verdict.kind) {
    case "failed":
      giveUp(draft, { cause: "gateFailed", sentence: `a gate failed at ${percentOf(rollout)} %: ${verdict.reason}` });
      return false;
    case "inconclusive":
      return rollout.waved === "waits";
    case "passed":
      return rollout.waved === "waits" || bakedFor(draft) >= rollout.strategy.bakeSeconds * 1000;
  }
}

function bakedFor(draft: Draft): number {
  return draft.now - (draft.state.rollout!.settledAt ?? draft.now);
}

/** A9: a pool that is to have another number, or weight, of replicas meanwhile goes on by that one from the next settled state. */
function numbersChanged(draft: Draft, { pools }: RolloutProgress): boolean {
  return pools.some((pool) => {
    const { from, to, weights } = sizesNow(draft, pool);
    return from !== pool.from || (pool.to > 0 && to !== pool.to) || !sameJson(weights ?? null, pool.weights ?? null);
  });
}

function isHold(rollout: RolloutProgress): boolean {
  return rollout.direction.kind === "forward" && holds(rollout.strategy);
}

function hold(draft: Draft, rollout: RolloutProgress): void {
  if (rollout.held !== null) return;
  const percent = percentOf(rollout);
  // At once: nobody may look again for hours, and they would be on the rollout's clock.
  const stopped = runOrStop(rollout, draft.now, false);
  draft.state.rollout = { ...rollout, held: { percent, since: draft.now }, stopped, failed: null };
  draft.say({ kind: "rolloutHeld", rollout: rollout.id, percent });
}

function percentOf({ plan, cursor }: RolloutProgress): number {
  return plan[cursor]!.percent;
}

function step(draft: Draft, rollout: RolloutProgress): void {
  const cursor = rollout.cursor + 1;
  draft.state.rollout = {
    ...wholeAgain(rollout),
    cursor,
    cursorSince: draft.now,
    stopped: { ...rollout.stopped, stepMs: 0 },
    settledAt: null,
    waved: null,
    failed: null,
    gate: null,
  };
  const steps = rollout.plan.length - 1;
  draft.say({ kind: "rolloutStep", rollout: rollout.id, step: cursor, steps, state: rollout.plan[cursor]! });
  // A step is proof enough that its side can start: a failure from here on begins a new row.
  for (const { name } of rollout.pools) if (draft.pool(name).failures) draft.patchPool(name, { failures: null });
}

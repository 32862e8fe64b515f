import type { Draft } from "../draft";
import { isBroken } from "../fleet/failures";
import type { Census } from "../fleet/census";
import type { Intent } from "../intent";
import type { Direction, RolloutProgress, Walk } from "../state";
import type { RollbackMode, Strategy } from "../strategy";
import type { RollbackCause } from "./cause";
import { runningMs, stepRunningMs } from "./clock";
import { isDeclared } from "./follow-intent";
import { holds } from "./hold";
import { brokenNewcomer } from "./newcomers";
import { planWayBack } from "./replan";

export interface Reason {
  cause: RollbackCause;
  sentence: string;
}

/** Turns a rollout round when there is a reason to. The first reason in this order is the one that is told. */
export function turnBack(draft: Draft, intent: Intent, census: Record<string, Census>): void {
  const rollout = draft.state.rollout!;
  if (rollout.direction.kind === "back") return;
  if (!isDeclared(intent, rollout)) {
    goBack(draft, { cause: "superseded", sentence: "a newer `pulumi up` declared other revisions" }, null);
    return;
  }
  const reason =
    canaryFailed(draft, rollout) ??
    newcomerFailed(draft, rollout) ??
    canaryUnhealthy(draft, rollout, census) ??
    timedOut(rollout, draft.now);
  if (reason !== null) giveUp(draft, reason);
}

/** The canary is not good enough. Where the operator has the say (canaryPercent), it is told and left to them. */
export function giveUp(draft: Draft, reason: Reason): void {
  const rollout = draft.state.rollout!;
  if (!holds(rollout.strategy)) {
    goBack(draft, reason, null);
  } else if (rollout.failed === null) {
    draft.state.rollout = { ...rollout, failed: reason.sentence };
    draft.say({ kind: "rolloutFailed", rollout: rollout.id, reason: reason.sentence });
  }
}

/** Also for a rollout that goes back already, when the way is to be another one. Returns what happened, for the log. */
export function goBack(draft: Draft, { cause, sentence }: Reason, asked: RollbackMode | null): string {
  const rollout = draft.state.rollout!;
  const before = rollout.direction;
  const mode = asked ?? defaultMode(rollout.strategy, cause);
  const sameWay = asked === null || (before.kind === "back" && asked.mode === before.mode.mode);
  // What an operator ends stays ended, also when the program had given it up before and may want it again.
  const takenOver = before.kind === "back" && before.cause === "superseded" && cause === "operator";
  if (before.kind === "back" && sameWay) {
    if (!takenOver) return "it goes back already";
    draft.state.rollout = { ...rollout, direction: { ...before, cause, rejects: true, reason: sentence } };
    draft.say({ kind: "rollingBack", rollout: rollout.id, cause, reason: sentence, ...before.mode });
    return before.mode.mode;
  }
  const walk = walkOf(rollout.strategy, mode);
  const rejects = cause !== "superseded";
  const direction: Direction =
    before.kind === "back" && !takenOver
      ? { ...before, mode, walk }
      : { kind: "back", rejects, cause, reason: sentence, mode, walk };
  draft.state.rollout = { ...rollout, direction, held: null, paused: null, waved: null, failed: null, gate: null };
  draft.say({ kind: "rollingBack", rollout: rollout.id, cause, reason: sentence, ...mode });
  if (walk === "planned") planWayBack(draft, mode.mode === "gradual" ? mode.maxSurgePercent : null, sentence);
  return mode.mode;
}

/** A newer deployment is no emergency: nothing is overloaded for it. */
function defaultMode({ rollback }: Strategy, cause: RollbackCause): RollbackMode {
  return cause === "superseded" && rollback.mode === "immediate" ? { mode: "safe" } : rollback;
}

function walkOf({ kind }: Strategy, { mode }: RollbackMode): Walk {
  switch (kind) {
    case "rolling":
    case "inPlace":
      return "planned";
    // It never mixes versions, so there is nothing gradual about its way back.
    case "blueGreen":
      return "continuous";
    case "surge":
      return mode === "gradual" ? "planned" : "continuous";
  }
}

function canaryFailed(draft: Draft, rollout: RolloutProgress): Reason | null {
  for (const { name } of rollout.pools) {
    const { canary, failures } = draft.pool(name);
    if (isBroken(failures) && failures.revision === canary?.revision) {
      return { cause: "canaryFailed", sentence: `the canary of pool "${name}" failed: ${failures.reason}` };
    }
  }
  return null;
}

function newcomerFailed(draft: Draft, { target }: RolloutProgress): Reason | null {
  const sentence = brokenNewcomer(draft, target);
  return sentence === null ? null : { cause: "canaryFailed", sentence };
}

/** Replicas that are there and fail their probes; replicas that are gone are a loss, which is repaired instead. */
function canaryUnhealthy(draft: Draft, rollout: RolloutProgress, census: Record<string, Census>): Reason | null {
  if (draft.state.routing.weights.canary === 0) return null;
  for (const { name } of rollout.pools) {
    const { alive, ready } = census[name]!.canary;
    const failing = alive.filter(({ status }) => status === "notReady");
    if (ready.length === 0 && failing.length > 0) {
      const why = failing[0]!.reason ?? "its probes fail";
      return { cause: "canaryFailed", sentence: `the canary of pool "${name}" turned unhealthy: ${why}` };
    }
  }
  return null;
}

function timedOut(rollout: RolloutProgress, now: number): Reason | null {
  const { timeoutSeconds, stepTimeoutSeconds } = rollout.strategy;
  const { kind, percent } = rollout.plan[rollout.cursor]!;
  const waits =
    rollout.gate?.verdict.kind === "inconclusive" ? `; its gate has no verdict: ${rollout.gate.verdict.reason}` : "";
  const at = `${kind} to ${percent} %, step ${rollout.cursor + 1} of ${rollout.plan.length}${waits}`;
  if (runningMs(rollout, now) > timeoutSeconds * 1000) {
    const sentence = `the rollout was not over within its timeout of ${timeoutSeconds} s (it was at: ${at})`;
    return { cause: "timedOut", sentence };
  }
  if (stepTimeoutSeconds !== null && stepRunningMs(rollout, now) > stepTimeoutSeconds * 1000) {
    const sentence = `a step was not over within stepTimeoutSeconds (${stepTimeoutSeconds} s): ${at}`;
    return { cause: "timedOut", sentence };
  }
  return null;
}

import type { Draft } from "../draft";
import { FAILURES_ENOUGH } from "../fleet/failures";
import type { Census } from "../fleet/census";
import type { Intent, RolloutTarget } from "../intent";
import type { Direction, RolloutProgress } from "../state";
import type { RollbackCause } from "./cause";
import { freshCommands } from "./commands";
import { targetKey } from "../target";

/** Turns a rollout round, once, when there is a reason to. The first reason in this order is the one that is told. */
export function turnBack(draft: Draft, intent: Intent, census: Record<string, Census>): void {
  const rollout = draft.state.rollout!;
  followTarget(draft, intent, rollout);
  if (rollout.direction.kind === "back") return;
  const reason =
    aborted(draft, intent) ??
    superseded(intent, draft.state.rollout!) ??
    canaryFailed(draft, rollout) ??
    canaryUnhealthy(draft, rollout, census) ??
    timedOut(rollout, draft.now);
  if (reason === null) return;
  const direction: Direction = {
    kind: "back",
    rejects: reason.cause !== "superseded",
    cause: reason.cause,
    reason: reason.sentence,
    mode: { mode: "safe" },
  };
  draft.state.rollout = { ...draft.state.rollout!, direction };
  draft.say({ kind: "rollingBack", rollout: rollout.id, cause: reason.cause, reason: reason.sentence, mode: "safe" });
}

interface Reason {
  cause: RollbackCause;
  sentence: string;
}

/** The same revisions with other probes or another timeout are the same rollout, under its new name. */
function followTarget(draft: Draft, intent: Intent, rollout: RolloutProgress): void {
  const declared = intent.rollout!;
  if (!sameRevisions(declared.target, rollout.target)) return;
  const key = targetKey(declared.target);
  if (key === rollout.targetKey && declared.strategy.timeoutSeconds === rollout.strategy.timeoutSeconds) return;
  const strategy = { ...rollout.strategy, timeoutSeconds: declared.strategy.timeoutSeconds };
  draft.state.rollout = { ...rollout, target: declared.target, targetKey: key, strategy };
}

export function sameRevisions(a: RolloutTarget, b: RolloutTarget): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name]!.revision === b[name]?.revision);
}

function aborted(draft: Draft, intent: Intent): Reason | null {
  if (!freshCommands(draft, intent).some(({ kind }) => kind === "abort")) return null;
  return { cause: "operator", sentence: "an operator aborted the rollout (pulumi-serve rollout abort)" };
}

function superseded(intent: Intent, rollout: RolloutProgress): Reason | null {
  if (sameRevisions(intent.rollout!.target, rollout.target)) return null;
  return { cause: "superseded", sentence: "a newer `pulumi up` declared other revisions" };
}

function canaryFailed(draft: Draft, rollout: RolloutProgress): Reason | null {
  for (const { name } of rollout.pools) {
    const { canary, failures } = draft.pool(name);
    const broken = failures !== null && !failures.capacity && failures.count >= FAILURES_ENOUGH;
    if (broken && failures.revision === canary?.revision) {
      return { cause: "canaryFailed", sentence: `the canary of pool "${name}" failed: ${failures.reason}` };
    }
  }
  return null;
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
  const limit = rollout.strategy.timeoutSeconds;
  if (now - rollout.startedAt <= limit * 1000) return null;
  const { kind, percent } = rollout.plan[rollout.cursor]!;
  const at = `${kind} to ${percent} %, step ${rollout.cursor + 1} of ${rollout.plan.length}`;
  return {
    cause: "timedOut",
    sentence: `the rollout was not over within its timeout of ${limit} s (it was at: ${at})`,
  };
}

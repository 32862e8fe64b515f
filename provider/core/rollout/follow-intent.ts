import { sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Intent, RolloutIntent, RolloutTarget } from "../intent";
import type { RolloutProgress } from "../state";
import type { Strategy } from "../strategy";
import { targetKey } from "../target";
import { canaryPercentOf } from "./hold";
import { unproved } from "./kept";
import { withLiveParts } from "./live-parts";
import { replan } from "./replan";
import { waitsOf } from "./waits";

/** Takes over what the program has changed about the rollout in progress, while its revisions are the same. */
export function followIntent(draft: Draft, intent: Intent): void {
  const declared = intent.rollout!;
  const rollout = draft.state.rollout!;
  if (!sameRevisions(declared.target, rollout.target)) return;
  rename(draft, declared);
  cancelRollback(draft);
  const { direction } = draft.state.rollout!;
  if (direction.kind === "forward") moveHold(draft, declared.strategy);
}

/** True while the rollout is what the program wants, or an operator's doing that the program has not answered yet. */
export function isDeclared(intent: Intent, rollout: RolloutProgress): boolean {
  const { target } = intent.rollout!;
  return sameRevisions(target, rollout.target) || sameRevisions(target, rollout.declared);
}

export function sameRevisions(a: RolloutTarget, b: RolloutTarget): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name]!.revision === b[name]?.revision);
}

/** The same revisions with other probes, another timeout or other gates are the same rollout, under its new name. */
function rename(draft: Draft, { target, strategy }: RolloutIntent): void {
  const rollout = draft.state.rollout!;
  const live = withLiveParts(rollout.strategy, rollout.bringsBack === undefined ? strategy : unproved(strategy));
  if (sameJson(target, rollout.target) && live === rollout.strategy) return;
  // Gates that the program has mended judge anew, also where the ones of before had failed.
  const gatesChanged = !sameJson(live.gates, rollout.strategy.gates);
  const gate = gatesChanged ? null : rollout.gate;
  draft.state.rollout = { ...rollout, target, declared: target, targetKey: targetKey(target), strategy: live, gate };
  const waits = waitsOf(live);
  if (gatesChanged || !sameJson(waits, waitsOf(rollout.strategy))) {
    draft.say({ kind: "rolloutRetuned", rollout: rollout.id, waits, gatesChanged });
  }
}

/** A17: the middle version is wanted again before it was drained. What an operator or a failure ended stays ended. */
function cancelRollback(draft: Draft): void {
  const rollout = draft.state.rollout!;
  const { direction } = rollout;
  if (direction.kind === "forward" || direction.cause !== "superseded") return;
  draft.state.rollout = { ...rollout, direction: { kind: "forward" } };
  draft.say({ kind: "rollbackCancelled", rollout: rollout.id });
  replan(draft, "the declared target is this rollout's again");
}

/** Another canaryPercent than the program had before: up, down, or to the end. */
function moveHold(draft: Draft, declared: Strategy): void {
  const rollout = draft.state.rollout!;
  const percent = canaryPercentOf(declared);
  if (percent === rollout.declaredPercent || rollout.strategy.kind !== "surge") return;
  const strategy = { ...rollout.strategy, canaryPercent: percent };
  draft.state.rollout = { ...rollout, strategy, declaredPercent: percent, failed: null };
  replan(draft, percent === null ? "canaryPercent was taken away" : `canaryPercent is ${percent}`);
}

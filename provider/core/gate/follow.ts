import { digest } from "../digest";
import type { Draft } from "../draft";
import type { Intent } from "../intent";
import type { Observed, ObservedDataPlane } from "../observed";
import type { RolloutProgress } from "../state";
import type { Gate } from "../strategy";
import type { ExternalGate, GateFacts } from "./external";
import { judgeMetrics, type MetricGate } from "./judge";
import type { GateState, GateVerdict } from "./state";
import { rebased, sharesNow, windowOf, type Baseline } from "./window";

/** A verdict and what it is about, so that a number that runs is not told at every tick. */
interface Finding {
  verdict: GateVerdict;
  about: string;
}

/**
 * Judges the gates of the settled state at the cursor; opens its window first. Says each change of the verdict once.
 *
 * A failure counts at once; "passed" is said only when every gate passes and the bake is over, so that the window stays
 * open during the bake. Commands and webhooks are asked last, one after the other: they may cost something.
 */
export function followGates(draft: Draft, intent: Intent, observed: Observed): GateVerdict {
  const rollout = draft.state.rollout!;
  if (rollout.strategy.gates.length === 0) return { kind: "passed" };
  const open = rollout.gate?.cursor === rollout.cursor ? rollout.gate : null;
  // What was told to have failed waits for a person's word: a luckier look, or another agent's, does not take it back.
  if (open?.verdict.kind === "failed") return open.verdict;
  const plane = observed.dataplane;
  const known = open?.baseline ?? {};
  const baseline = plane === null ? known : rebased(known, rollout, draft.state.pools, plane);
  const finding =
    (plane === null ? UNSEEN : judgeCounted(draft, rollout, baseline, plane)) ??
    waitForBake(draft, rollout) ??
    askOutside(draft, intent, rollout, observed) ??
    PASSED;
  const told = tell(draft, rollout, open, finding);
  draft.state.rollout = { ...rollout, gate: { ...told, baseline } };
  return finding.verdict;
}

const PASSED: Finding = { verdict: { kind: "passed" }, about: "passed" };
const UNSEEN: Finding = {
  verdict: {
    kind: "inconclusive",
    reason: "the gates cannot be judged while the load balancer cannot be asked for its numbers",
  },
  about: "unseen",
};

/** The first gate that fails, or else the first without a verdict; null: all that count by themselves pass. */
function judgeCounted(
  draft: Draft,
  rollout: RolloutProgress,
  baseline: Baseline,
  plane: ObservedDataPlane,
): Finding | null {
  const shares = sharesNow(rollout);
  let undecided: Finding | null = null;
  for (const [index, gate] of rollout.strategy.gates.entries()) {
    if (isExternal(gate)) continue;
    for (const { name, to } of rollout.pools) {
      // A pool that goes has no canary to judge.
      if (to === 0) continue;
      const judged = judgeMetrics(gate, windowOf(name, rollout, draft.pool(name), baseline, plane));
      if (judged.kind === "passed") continue;
      const where = rollout.pools.length > 1 ? `${label(gate, index)}, pool "${name}"` : label(gate, index);
      if (judged.kind === "failed") {
        const verdict: GateVerdict = { kind: "failed", reason: `${where}: ${judged.reason}` };
        return { verdict, about: `failed ${index} ${name}` };
      }
      // Reached by header only: whoever tests it so decides himself how much.
      if (judged.side === "canary" && !shares.canary) continue;
      const never =
        judged.side === "primary" && !shares.primary
          ? ", and it gets no more of them here: `pulumi-serve rollout promote` goes on without this gate"
          : "";
      undecided ??= {
        verdict: { kind: "inconclusive", reason: `${where}: ${judged.reason}${never}` },
        about: `too few ${index} ${name} ${judged.side} ${judged.quarters}`,
      };
    }
  }
  return undecided;
}

function waitForBake(draft: Draft, { settledAt, strategy }: RolloutProgress): Finding | null {
  const { bakeSeconds } = strategy;
  if (draft.now - (settledAt ?? draft.now) >= bakeSeconds * 1000) return null;
  const reason = `baking for ${bakeSeconds} s, and no gate fails so far`;
  return { verdict: { kind: "inconclusive", reason }, about: "bake" };
}

/** Null: every command and webhook let it pass. Asked again at every tick until an answer is seen. */
function askOutside(draft: Draft, intent: Intent, rollout: RolloutProgress, observed: Observed): Finding | null {
  for (const [index, gate] of rollout.strategy.gates.entries()) {
    if (!isExternal(gate)) continue;
    const key = askedAs(rollout, gate, index);
    const answer = observed.gateAnswers[key];
    const where = label(gate, index);
    switch (answer?.outcome) {
      case "passed":
        continue;
      case "failed":
        return { verdict: { kind: "failed", reason: `${where}: ${answer.reason}` }, about: `failed ${index}` };
      case "unreachable":
      case undefined:
        break;
    }
    draft.act({ kind: "runGate", key, gate, facts: factsOf(draft, intent, rollout) });
    const reason = answer === undefined ? "waits for its answer" : `${answer.reason}; it is asked again`;
    const about = answer === undefined ? `asked ${index}` : `unreachable ${index}`;
    return { verdict: { kind: "inconclusive", reason: `${where}: ${reason}` }, about };
  }
  return null;
}

/**
 * Once at each plan state, however often it is repaired and settles again: a command may take minutes. The cursor would
 * not tell them apart, because another plan counts its states anew; nor would the index, when other gates are declared.
 */
function askedAs({ id, cursorSince }: RolloutProgress, gate: ExternalGate, index: number): string {
  return `${id}/${cursorSince}/${index}/${digest(gate)}`;
}

function factsOf(draft: Draft, { identity, service }: Intent, rollout: RolloutProgress): GateFacts {
  const { id, version, plan, cursor, pools } = rollout;
  const revisions = pools.map(({ name }) => {
    const { primary, canary } = draft.pool(name);
    return [name, { from: primary?.revision ?? null, to: canary?.revision ?? null }] as const;
  });
  return {
    service: identity,
    endpoint: service.spec.endpoint,
    rollout: id,
    percent: plan[cursor]!.percent,
    version,
    revisions: Object.fromEntries(revisions),
  };
}

function tell(
  draft: Draft,
  { id, plan, cursor }: RolloutProgress,
  open: GateState | null,
  { verdict, about }: Finding,
): Omit<GateState, "baseline"> {
  if (open?.about === about) return { cursor, verdict: open.verdict, about };
  draft.say({ kind: "gateJudged", rollout: id, percent: plan[cursor]!.percent, verdict });
  return { cursor, verdict, about };
}

function isExternal(gate: Gate): gate is ExternalGate {
  return gate.kind === "command" || gate.kind === "webhook";
}

function label({ kind }: MetricGate | ExternalGate, index: number): string {
  return `gate ${index + 1} (${NAMES[kind]})`;
}

const NAMES: Record<Gate["kind"], string> = {
  errorRate: "error rate",
  p95: "p95 latency",
  firstByteP95: "p95 time to first byte",
  command: "command",
  webhook: "webhook",
};

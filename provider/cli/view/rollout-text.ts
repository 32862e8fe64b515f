import type { GateVerdict } from "../../core/gate/state";
import { duration } from "./duration";
import type { Clocks, RolloutView } from "./rollout";

const GO_BACK = "`pulumi-serve rollout abort` goes back";

/** One line for the step, one for each pool, and one for everything that it waits for. */
export function rolloutLines(rollout: RolloutView): string[] {
  const { canary, primary } = rollout.weights;
  const traffic = `traffic ${canary}:${primary} canary:primary`;
  const step = `step ${rollout.step}/${rollout.steps} (${rollout.kind}), ${rollout.percent} %, ${traffic}`;
  const isPlanned = rollout.walk === "planned";
  const pools = isPlanned ? Object.entries(rollout.pools) : [];
  return [
    `Rollout ${rollout.id} to version ${rollout.version}: ${heading(rollout)}, ${isPlanned ? step : traffic}`,
    ...pools.map(([pool, goal]) => `${pool}: ${goal.canary} canary + ${goal.primary} primary, at most ${goal.cap}`),
    ...waits(rollout),
    clockLine(rollout.clocks),
  ].map((line, index) => (index === 0 ? line : `  ${line}`));
}

function heading({ direction, mode, reason, operator }: RolloutView): string {
  if (direction === "back") return `rolling back, ${mode ?? "safe"} (${reason ?? "no reason given"})`;
  return operator === null ? "rolling out" : `brought back by an operator (${operator})`;
}

function waits({ held, paused, failed, gate, waitsForCapacity, waitsForPrimary }: RolloutView): string[] {
  const lines: string[] = [];
  if (failed !== null) {
    lines.push(
      `the canary failed, and automatic rollback is off: ${failed}; ${GO_BACK}, a new \`pulumi up\` replaces it`,
    );
  }
  if (held !== null) {
    const since = duration(held.seconds);
    lines.push(`held at ${held.percent} % for ${since}; \`pulumi-serve rollout promote\` completes it, ${GO_BACK}`);
  }
  if (paused !== null) {
    lines.push(`paused for ${duration(paused.seconds)}; \`pulumi-serve rollout resume\` lets it go on`);
  }
  if (gate !== null) lines.push(gateLine(gate));
  if (waitsForCapacity !== null) {
    const { seconds, starved, reason } = waitsForCapacity;
    const patience = starved ? ", and `pulumi up` no longer waits for it" : "";
    lines.push(`waits for capacity for ${duration(seconds)}${patience}: ${reason}`);
  }
  if (waitsForPrimary !== null) {
    const { pool, seconds, reason } = waitsForPrimary;
    lines.push(`waits for the old replicas of pool ${pool} for ${duration(seconds)}: ${reason}`);
  }
  return lines;
}

function gateLine(verdict: GateVerdict): string {
  switch (verdict.kind) {
    case "passed":
      return "the gates pass";
    case "failed":
      return `a gate fails: ${verdict.reason}`;
    case "inconclusive":
      return `the gates have no verdict yet: ${verdict.reason}`;
  }
}

function clockLine({ runningSeconds, timeoutSeconds, stoppedSeconds, isStopped, ...step }: Clocks): string {
  const { stepSeconds, stepTimeoutSeconds } = step;
  const parts = [`ran for ${duration(runningSeconds)} of ${duration(timeoutSeconds)}`];
  if (stepTimeoutSeconds !== null)
    parts.push(`this step for ${duration(stepSeconds)} of ${duration(stepTimeoutSeconds)}`);
  if (stoppedSeconds > 0 || isStopped) {
    parts.push(`the clock ${isStopped ? "stands still" : "stood still"} for ${duration(stoppedSeconds)}`);
  }
  return parts.join("; ");
}

import type { ServeEvent } from "../events";
import type { WorldRollout } from "./rollout";
import { waited } from "./stand";
import { inOrder, violation, type InvariantCheck } from "./step";

/**
 * A settled state is left forward only when it was told to be established, its bake is over and every gate has passed
 * since then, or when an operator waved it through. A failed gate is the affair of `holds`.
 */
export const gates: InvariantCheck = (step) => {
  if (!step.events.some(isLeave)) return [];
  return inOrder(step, (event, { rollout }) => {
    if (rollout === null || !isLeave(event) || event.rollout !== rollout.id) return [];
    const why = leftEarly(rollout, event.at);
    return why === null ? [] : [violation("gates", event, `Rollout ${rollout.id} left a settled state ${why}.`)];
  });
};

type Leave = Extract<ServeEvent, { kind: "rolloutStep" | "rolloutHeld" | "rolloutEnded" }>;

function isLeave(event: ServeEvent): event is Leave {
  if (event.kind === "rolloutEnded") return event.outcome === "promoted";
  return event.kind === "rolloutStep" || event.kind === "rolloutHeld";
}

function leftEarly({ direction, declared, stand }: WorldRollout, at: number): string | null {
  if (declared === null || direction === "back" || !stand.waitsHere || stand.waved !== null) return null;
  if (stand.settledAt === null) return "that was never told to be established";
  const baked = waited(stand.settledAt, at);
  if (baked === null) return null;
  if (baked < declared.bakeSeconds) return `after ${baked} s of a bake of ${declared.bakeSeconds} s`;
  if (declared.gates.length === 0 || stand.verdict === "passed") return null;
  return `with no word that its gates (${declared.gates.join(", ")}) had passed`;
}

import type { RolloutProgress } from "../../core/state";
import { ASKED_ALREADY, FOLLOW, give, goesBack, needless, refused, type Order, type Situation } from "./order";

export const pauseOrder: Order = (situation) => {
  const { rollout } = situation.state;
  if (rollout === null) return refused("No rollout is in progress: nothing to pause.");
  if (goesBack(situation)) return refused("The rollout is going back, and a rollback cannot be paused.");
  const last = lastOfPause(situation);
  if (last === "pause") return ASKED_ALREADY;
  if (last === null && rollout.paused !== null) return needless("The rollout is paused already.");
  return give(
    { kind: "pause" },
    "The rollout pauses: what is under way is finished, then nothing moves on until `pulumi-serve rollout resume`.",
  );
};

export const resumeOrder: Order = (situation) => {
  const { rollout } = situation.state;
  if (rollout === null) return refused("No rollout is in progress: nothing to resume.");
  const last = lastOfPause(situation);
  if (last === "resume") return ASKED_ALREADY;
  if (last === null && rollout.paused === null) return refused("The rollout is not paused: nothing to resume.");
  return give({ kind: "resume" }, `The rollout goes on; ${FOLLOW}`);
};

export function promoteOrder(force: boolean): Order {
  return (situation) => {
    const { rollout } = situation.state;
    if (rollout === null) return refused("No rollout is in progress: nothing to promote.");
    if (asked(situation, force)) return ASKED_ALREADY;
    const { direction } = rollout;
    if (direction.kind === "back" && direction.awaits !== undefined) {
      const alone = `What the rollout goes back to does not come up in pool "${direction.awaits.pool}"`;
      if (!force) return refused(`${alone}: \`--force\` goes on to version ${rollout.version} all the same.`);
      return give({ kind: "promote", force }, `${alone}, so it goes on to version ${rollout.version}; ${FOLLOW}`);
    }
    if (goesBack(situation)) return refused("The rollout is going back, and going back wins over promote.");
    const gate = rollout.gate?.cursor === rollout.cursor ? rollout.gate.verdict : null;
    const trouble = gate?.kind === "failed" ? `A gate fails: ${gate.reason}` : rollout.failed;
    if (trouble !== null && !force) {
      return refused(
        `${trouble}. \`--force\` promotes all the same, and is recorded; \`pulumi-serve rollout abort\` goes back.`,
      );
    }
    const wait = waitOf(rollout);
    if (wait === null) return refused("Nothing waits to be promoted: the rollout moves on by itself.");
    const told = rollout.held === null ? `The ${wait} ends and the rollout goes on` : "The rollout goes on to 100 %";
    return give({ kind: "promote", force }, `${told}; ${FOLLOW}`);
  };
}

export const retryOrder: Order = ({ state, pending }) => {
  if (Object.keys(state.rejected).length === 0) return needless("No revision is rejected: nothing to retry.");
  if (pending.some(({ kind }) => kind === "retry")) return ASKED_ALREADY;
  return give(
    { kind: "retry" },
    "Rejected revisions may be tried again; a declared one starts now. `pulumi up` follows it.",
  );
};

/** The last word on pausing that no agent has read yet. */
function lastOfPause({ pending }: Situation): "pause" | "resume" | null {
  const kinds = pending.map(({ kind }) => kind);
  return kinds.findLast((kind): kind is "pause" | "resume" => kind === "pause" || kind === "resume") ?? null;
}

/** A forced promote says all that a plain one says. */
function asked({ state, pending }: Situation, force: boolean): boolean {
  const isPending = pending.some((command) => command.kind === "promote" && (command.force || !force));
  const { waved } = state.rollout!;
  return isPending || waved === "everything" || (waved === "waits" && !force);
}

function waitOf({ held, paused, settledAt, gate, strategy }: RolloutProgress): string | null {
  if (held !== null) return "hold";
  if (paused !== null) return "pause";
  if (settledAt === null) return null;
  return gate !== null || strategy.bakeSeconds === 0 ? "wait for the gates" : "bake";
}

import { canonicalJson } from "../../core/digest";
import type { Verb } from "../../core/command";
import { currentVersion } from "../../core/rollout/version";
import type { KeptVersion } from "../../core/state";
import type { RollbackMode } from "../../core/strategy";
import {
  ASKED_ALREADY,
  FOLLOW,
  give,
  goesBack,
  needless,
  refused,
  type Decision,
  type Order,
  type Situation,
} from "./order";
import { overloadOfGoingBack } from "./overload";
import { modeOf, type ModeOptions } from "./rollback-mode";

/** The rollout in progress goes back. */
export function abortOrder(options: ModeOptions): Order {
  return (situation) => {
    const mode = modeOf(options, situation.intent);
    if (typeof mode === "string") return refused(mode);
    if (situation.state.rollout !== null) return turnBack(situation, { kind: "abort", mode }, options);
    if (situation.state.history.length === 0) return refused("No rollout is in progress: nothing to abort.");
    return refused(
      "No rollout is in progress: nothing to abort. `pulumi-serve rollout rollback` brings back the version before.",
    );
  };
}

/** In progress: the same. Else a rollout to a version that is kept. */
export function rollbackOrder(options: ModeOptions & { toVersion?: number }): Order {
  return (situation) => {
    const { state, intent } = situation;
    const mode = modeOf(options, intent);
    if (typeof mode === "string") return refused(mode);
    const toVersion = options.toVersion ?? null;
    if (state.rollout === null) return bringBack(situation, toVersion, mode);
    const { version, origin, direction } = state.rollout;
    const serving = currentVersion(state);
    // The second of two equal calls must not undo the first.
    const isWanted = origin.kind === "operator" && (toVersion === null || toVersion === version);
    if (isWanted && direction.kind === "forward" && !goesBack(situation)) {
      return needless(
        `The rollback to version ${version} is on its way already; \`pulumi-serve rollout abort\` would undo it.`,
      );
    }
    if (toVersion !== null && toVersion !== serving) {
      return refused(
        `The rollout to version ${version} is in progress and can only go back to version ${serving ?? "-"}, which serves: go back first, then ask for version ${toVersion}.`,
      );
    }
    return turnBack(situation, { kind: "rollback", mode, toVersion }, options);
  };
}

function turnBack(
  { intent, state, pending }: Situation,
  verb: Extract<Verb, { kind: "abort" | "rollback" }>,
  { yes }: ModeOptions,
): Decision {
  const { direction } = state.rollout!;
  // Another way back may still be asked for; the same one in two words is said once.
  const asked = pending.findLast((command) => command.kind === "abort" || command.kind === "rollback");
  const isSame = (mode: RollbackMode | null) => verb.mode === null || verb.mode.mode === mode?.mode;
  if (asked !== undefined) {
    if (isSame(asked.mode)) return ASKED_ALREADY;
  } else if (direction.kind === "back" && isSame(direction.mode)) {
    return needless(`The rollout is going back already (${direction.mode.mode}).`);
  }
  const effective = verb.mode ?? intent.rollout!.strategy.rollback;
  return unlessUnsure(effective, yes, overloadOfGoingBack(state), verb, `The rollout goes back; ${FOLLOW}`);
}

function bringBack({ state, pending }: Situation, toVersion: number | null, mode: RollbackMode | null): Decision {
  const serving = currentVersion(state);
  if (toVersion !== null && toVersion === serving) return refused(`Version ${toVersion} serves already.`);
  const kept = state.history.filter(({ version }) => version !== serving);
  const found = toVersion === null ? kept[0] : kept.find(({ version }) => version === toVersion);
  if (found === undefined) return refused(whyNotKept(kept, toVersion));
  // By its number, so that it means the same however late it is read.
  const verb: Verb = { kind: "rollback", mode, toVersion: found.version };
  if (pending.some(({ seq: _, ...other }) => canonicalJson(other) === canonicalJson(verb))) return ASKED_ALREADY;
  const told = `Version ${found.version} comes back, and version ${serving ?? "-"} is not tried again by itself; ${FOLLOW}`;
  if (mode?.mode !== "immediate") return give(verb, told);
  return give(
    verb,
    `No replica of version ${found.version} is up that could take traffic at once: it comes as it went.`,
    told,
  );
}

function whyNotKept(kept: KeptVersion[], toVersion: number | null): string {
  if (kept.length === 0) {
    return "There is nothing to go back to: no earlier version is kept (the Rollout's `keepRevisions` says how many are).";
  }
  const versions = kept.map(({ version }) => version).join(", ");
  return `Version ${toVersion ?? "-"} is not kept. Kept: ${versions}.`;
}

/** An immediate rollback may overload what it goes back to: it is said before, and done only when it is meant. */
function unlessUnsure(
  { mode }: RollbackMode,
  yes: true | undefined,
  forecast: string[],
  verb: Verb,
  told: string,
): Decision {
  if (mode !== "immediate") return give(verb, told);
  const risk = `All traffic goes back at once: ${forecast.join("; ") || "what it goes back to is complete"}.`;
  if (yes === undefined) return refused(`${risk} Add --yes to do it, or \`--mode safe\` to go back without overload.`);
  return give(verb, risk, told);
}

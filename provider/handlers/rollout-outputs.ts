import { rolloutProgress, servesTarget, type Progress } from "../core/follow";
import type { Intent } from "../core/intent";
import { currentRevision, currentVersion } from "../core/rollout/version";
import { withoutContents } from "../core/spec/strategy-of";
import type { RolloutProgress, State } from "../core/state";
import { targetKey } from "../core/target";
import { computerId } from "../host/computer";
import type { Store } from "../ports/store";
import { declared } from "./checked";
import type { Props } from "./handler";
import { jsonClean } from "./json-clean";
import { SCHEMA_VERSION } from "./old-state";

interface RolloutOutcome {
  kind: "promoted" | "held" | "rolledBack" | "superseded" | "capacityStarved" | "failed";
  reason: string | null;
  seconds: number;
  peakReplicas: number;
  version: number;
}

/**
 * The declared inputs and what is so. Nothing in it moves with the clock: a refresh of a service that holds shows no
 * difference. Never throws: it also goes into errors, which must not lose the state.
 */
export async function rolloutOutputs(store: Store, inputs: Props): Promise<Props> {
  const [intent, state] = await Promise.all([valueOf(store.readIntent()), valueOf(store.readState())]);
  return jsonClean({
    ...shown(declared(inputs, [])),
    schemaVersion: SCHEMA_VERSION,
    computer: computerId(),
    primaryRevision: state === null ? null : currentRevision(state),
    version: state === null ? null : currentVersion(state),
    outcome: state === null ? null : outcomeOf(intent, state),
    rejected: intent === null || state === null ? null : rejectionOf(intent, state),
    keptVersions: state === null ? [] : keptOf(state),
  });
}

/** Inputs without what a gate may hold of secrets. */
export function shown(inputs: Props): Props {
  return "strategy" in inputs ? { ...inputs, strategy: withoutContents(inputs["strategy"]) } : inputs;
}

async function valueOf<T>(reading: Promise<{ value: T } | null>): Promise<T | null> {
  return (await reading.catch(() => null))?.value ?? null;
}

/** Of the rollout in progress where it waits for a person or the cloud; else of the last one that ended. */
function outcomeOf(intent: Intent | null, state: State): RolloutOutcome | null {
  const { rollout } = state;
  const waiting = rollout && intent && waitingOutcome(intent, state, rollout);
  return waiting ?? lastOutcome(intent, state);
}

function waitingOutcome(intent: Intent, state: State, rollout: RolloutProgress): RolloutOutcome | null {
  const found = intent.rollout && waitOf(rolloutProgress(intent, state, intent.rollout.target));
  if (!found) return null;
  const { held, direction, capacity, stopped, cursorSince, startedAt, peakReplicas, version } = rollout;
  const awaits = direction.kind === "back" ? direction.awaits : undefined;
  const since = held?.since ?? awaits?.since ?? capacity?.since ?? stopped.since ?? cursorSince;
  return { ...found, seconds: Math.round((since - startedAt) / 1000), peakReplicas, version };
}

/** Where the rollout in progress lets go of whoever follows it. */
function waitOf(progress: Progress): Pick<RolloutOutcome, "kind" | "reason"> | null {
  if (progress.kind === "working") return null;
  if (progress.kind === "done") return { kind: "held", reason: progress.line };
  const [reason] = progress.reasons;
  if (progress.code === "CanaryFailed" || progress.code === "ReplicaFailed") return { kind: "failed", reason };
  return progress.code === "CapacityStarved" ? { kind: "capacityStarved", reason } : null;
}

function lastOutcome(intent: Intent | null, state: State): RolloutOutcome | null {
  const last = state.lastOutcome;
  if (last === null) return null;
  const { version, peakReplicas } = last;
  const seconds = Math.round((last.endedAt - last.startedAt) / 1000);
  const rejection = intent && rejectionOf(intent, state);
  // What an operator brought back was rolled out too, and ended well; for the program it is a rollback.
  if (last.kind === "promoted" && rejection) return { kind: "rolledBack", ...rejection, seconds, peakReplicas };
  return { kind: last.kind, reason: last.reason, seconds, peakReplicas, version };
}

/** Why what the program declares is not tried again by itself; null: nothing is in its way. */
function rejectionOf({ rollout }: Intent, state: State): { version: number; reason: string } | null {
  const rejection = rollout && state.rejected[targetKey(rollout.target)];
  if (!rejection || (state.rollout === null && servesTarget(state, rollout.target))) return null;
  return { version: rejection.version, reason: rejection.reason };
}

function keptOf(state: State): number[] {
  const serving = currentVersion(state);
  return state.history.map(({ version }) => version).filter((version) => version !== serving);
}

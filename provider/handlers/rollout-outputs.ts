import { rolloutProgress } from "../core/follow";
import type { Intent } from "../core/intent";
import { currentRevision, currentVersion } from "../core/rollout/version";
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
    ...declared(inputs, []),
    schemaVersion: SCHEMA_VERSION,
    computer: computerId(),
    primaryRevision: state === null ? null : currentRevision(state),
    version: state === null ? null : currentVersion(state),
    outcome: state === null ? null : outcomeOf(intent, state),
    rejected: intent === null || state === null ? null : rejectionOf(intent, state),
    keptVersions: state === null ? [] : keptOf(state),
  });
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
  const since = rollout.held?.since ?? rollout.stopped.since ?? rollout.cursorSince;
  const of = (kind: RolloutOutcome["kind"], reason: string): RolloutOutcome => ({
    kind,
    reason,
    seconds: Math.round((since - rollout.startedAt) / 1000),
    peakReplicas: rollout.peakReplicas,
    version: rollout.version,
  });
  if (rollout.failed !== null) return of("failed", rollout.failed);
  if (rollout.held !== null) return of("held", `held at ${rollout.held.percent} %`);
  if (intent.rollout === null) return null;
  const progress = rolloutProgress(intent, state, intent.rollout.target);
  const isStarved = progress.kind === "failed" && progress.code === "CapacityStarved";
  return isStarved ? of("capacityStarved", progress.reasons[0]) : null;
}

function lastOutcome(intent: Intent | null, state: State): RolloutOutcome | null {
  const last = state.lastOutcome;
  if (last === null) return null;
  const { version, peakReplicas } = last;
  const seconds = Math.round((last.endedAt - last.startedAt) / 1000);
  const rejection = intent?.rollout ? state.rejected[targetKey(intent.rollout.target)] : undefined;
  // What an operator brought back was rolled out too, and ended well; for the program it is a rollback.
  if (last.kind === "promoted" && rejection !== undefined) {
    return { kind: "rolledBack", reason: rejection.reason, seconds, peakReplicas, version: rejection.version };
  }
  return { kind: last.kind, reason: last.reason, seconds, peakReplicas, version };
}

/** Why what the program declares is not tried again by itself; null: nothing is in its way. */
function rejectionOf({ rollout }: Intent, { rejected }: State) {
  const rejection = rollout && rejected[targetKey(rollout.target)];
  return rejection ? { version: rejection.version, reason: rejection.reason } : null;
}

function keptOf(state: State): number[] {
  const serving = currentVersion(state);
  return state.history.map(({ version }) => version).filter((version) => version !== serving);
}

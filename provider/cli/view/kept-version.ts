import { currentVersion } from "../../core/rollout/version";
import type { State } from "../../core/state";

/** A version that `rollout rollback --to-version` can bring back. */
export interface KeptVersionView {
  version: number;
  replacedSecondsAgo: number;
  /** Revision and replicas of each pool. */
  pools: Record<string, { revision: string; replicas: number }>;
}

export function keptVersions(state: State, now: number): KeptVersionView[] {
  const serving = currentVersion(state);
  return state.history
    .filter(({ version }) => version !== serving)
    .map(({ version, replacedAt, pools }) => ({
      version,
      replacedSecondsAgo: Math.max(0, Math.floor((now - replacedAt) / 1000)),
      pools: Object.fromEntries(
        Object.values(pools).map(({ name, revision, replicas }) => [name, { revision, replicas }]),
      ),
    }));
}

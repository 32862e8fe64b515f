import type { Draft } from "../draft";
import type { State } from "../state";
import { serviceRevision } from "../target";

/** Hash over what every pool serves; null while a pool has never served. */
export function currentRevision(state: Pick<State, "pools">): string | null {
  const pools = Object.values(state.pools);
  if (pools.length === 0 || pools.some((pool) => pool.primary === null)) return null;
  return serviceRevision(pools.map((pool) => pool.primary!));
}

/** The ordinal of a service revision: counted up for a new one, the old number again for an old one. */
export function assignVersion(draft: Draft, revision: string): number {
  const known = draft.state.versions[revision];
  if (known !== undefined) return known;
  const version = 1 + Math.max(0, ...Object.values(draft.state.versions));
  draft.state.versions = { ...draft.state.versions, [revision]: version };
  return version;
}

/** What `status` shows as VERSION; null before the first. */
export function currentVersion(state: Pick<State, "pools" | "versions">): number | null {
  const revision = currentRevision(state);
  return revision === null ? null : (state.versions[revision] ?? null);
}

import type { PoolSpec } from "../spec/pool";
import type { State } from "../state";
import type { Strategy } from "../strategy";
import { serviceRevision } from "../target";
import { currentVersion } from "./version";

export interface KeptBefore {
  version: number;
  serviceRevision: string;
}

/**
 * Kept versions that served before the one that serves: a program that declares one goes back, and fast. A later one was
 * taken back once, for a reason, and has to prove itself again.
 */
export function keptBefore(state: Pick<State, "history" | "pools" | "versions">): KeptBefore[] {
  const serving = currentVersion(state);
  if (serving === null) return [];
  return state.history
    .filter(({ version }) => version < serving)
    .map((kept) => ({ version: kept.version, serviceRevision: kept.serviceRevision }));
}

/** The one of them that the service would be with these pools; null: none, so that it is no way back. */
export function broughtBack(kept: readonly KeptBefore[], pools: Iterable<Pick<PoolSpec, "name" | "revision">>) {
  const revision = serviceRevision(pools);
  return kept.find((each) => each.serviceRevision === revision)?.version ?? null;
}

/** What served once is brought back without proof: whoever goes back has no time for bakes and gates. */
export function unproved(strategy: Strategy): Strategy {
  return { ...strategy, bakeSeconds: 0, gates: [] };
}

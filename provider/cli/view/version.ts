import type { State } from "../../core/state";
import { serviceRevision } from "../../core/target";

/** Ordinal of the service as it is on one side: with the canary, pools that have none count with their primary. */
export function versionOfSide(state: State, side: "primary" | "canary"): number | null {
  const pools = Object.values(state.pools);
  if (side === "canary" && pools.every(({ canary }) => canary === null)) return null;
  const specs = pools.map((pool) => (side === "canary" ? (pool.canary ?? pool.primary) : pool.primary));
  return state.versions[serviceRevision(specs.filter((spec) => spec !== null))] ?? null;
}

/** As SkyServe has it: the latest one from the moment that its rollout begins; going back, the one that is gone back to. */
export function shownVersion(state: State): number | null {
  const { rollout } = state;
  return rollout?.direction.kind === "forward" ? rollout.version : versionOfSide(state, "primary");
}

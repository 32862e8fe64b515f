import type { Draft } from "../draft";
import { isBroken } from "../fleet/failures";
import type { RolloutTarget } from "../intent";

/** Pools that were added to a rolled-out service: they get their traffic with the first SHIFT of this target's rollout. */
export function newcomersOf(draft: Draft, target: RolloutTarget): string[] {
  return Object.keys(target).filter((name) => {
    const pool = draft.state.pools[name];
    return pool !== undefined && !pool.takesTraffic && pool.canary === null;
  });
}

/** Starting a rollout that needs them is a person's word to try them again, also after they were given up. */
export function tryNewcomersAgain(draft: Draft, target: RolloutTarget): void {
  for (const name of newcomersOf(draft, target)) {
    if (draft.pool(name).failures !== null) draft.patchPool(name, { failures: null });
  }
}

/** Why a rollout that waits for one of them waits in vain; null: none is broken. */
export function brokenNewcomer(draft: Draft, target: RolloutTarget): string | null {
  for (const name of newcomersOf(draft, target)) {
    const { primary, failures } = draft.pool(name);
    if (isBroken(failures) && failures.revision === primary?.revision) {
      return `pool "${name}", which is new, does not come up: ${failures.reason}`;
    }
  }
  return null;
}

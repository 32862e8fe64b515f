import type { Draft } from "../draft";
import { NOBODY, NO_SIDE, ONE_VERSION, SHARES, type PoolGoal } from "../goals";
import type { Intent, PoolIntent } from "../intent";
import { bounded } from "../scale/spec";
import type { EventBody, SpotBounds } from "../events";
import type { PoolSpec } from "../spec/pool";
import { keepingContent } from "../spec/pool-spec";
import { mostSpare } from "../spot/spec";

/** Takes what is declared into the pools' states: first, light and removed at once; a new revision stays staged. */
export function followDeclarations(draft: Draft, intent: Intent): void {
  for (const [name, declaration] of Object.entries(intent.pools)) {
    // What would end as soon as it began does not begin.
    if (draft.state.pools[name] === undefined && (declaration.deleting || intent.service.deleting)) continue;
    followDeclaration(draft, name, declaration);
  }
  const census = draft.census();
  for (const [name, pool] of Object.entries(draft.state.pools)) {
    const gone = intent.service.deleting || (intent.pools[name]?.deleting ?? true);
    if (gone && census[name]!.total === 0) {
      draft.say({ kind: "poolDeclared", pool: name, revision: "", replicas: 0, change: "removed" });
      draft.forgetPool(name);
    } else if (
      !pool.hasServed &&
      pool.primary !== null &&
      census[name]!.primary.ready.length >= pool.primary.replicas
    ) {
      draft.patchPool(name, { hasServed: true });
    }
  }
}

function followDeclaration(draft: Draft, name: string, { declared, attempt }: PoolIntent): void {
  const pool = draft.state.pools[name];
  const tell = (change: "first" | "light", replicas = declared.replicas, side?: "primary" | "canary") =>
    draft.say({
      kind: "poolDeclared",
      pool: name,
      revision: declared.revision,
      replicas,
      change,
      ...(side && { side }),
      config: declared.userConfig?.hash ?? null,
      ...spotTold(declared),
    });
  if (pool === undefined) {
    tell("first");
    draft.keepPool(name, {
      primary: declared,
      canary: null,
      hasServed: false,
      takesTraffic: !draft.state.adopted,
      failures: null,
      attemptSeen: attempt,
      scale: null,
    });
    return;
  }
  // A new `up` is a person's word to try again, also after the pool was given up.
  if (pool.attemptSeen !== attempt) draft.patchPool(name, { attemptSeen: attempt, failures: null });
  if (pool.canary !== null && declared.revision === pool.canary.revision) {
    if (declared.specHash !== pool.canary.specHash) {
      const canary = changedLightly(pool.canary, declared);
      tell("light", canary.replicas, "canary");
      draft.patchPool(name, { canary });
    }
  } else if (pool.primary?.specHash !== declared.specHash) {
    const same = pool.primary?.revision === declared.revision ? pool.primary : null;
    if (!pool.hasServed) {
      tell("first");
      // As long as one of its replicas lives, another content under the same version would make two kinds of them.
      const lives =
        same !== null && draft.replicas().some((each) => each.pool === name && each.revision === same.revision);
      draft.patchPool(name, { primary: lives ? keepingContent(same, declared) : declared, failures: null });
    } else if (same !== null) {
      const primary = changedLightly(same, declared);
      tell("light", primary.replicas, "primary");
      draft.patchPool(name, { primary });
    }
  }
}

/** The content that runs, as it is declared now; how many there are of an autoscaled pool is not for a declaration to say. */
function changedLightly(serving: PoolSpec, declared: PoolSpec): PoolSpec {
  const { scaling } = declared;
  const replicas = !scaling ? declared.replicas : bounded(serving.replicas, scaling);
  return { ...keepingContent(serving, declared), replicas };
}

function spotTold(spec: PoolSpec): Pick<Extract<EventBody, { kind: "poolDeclared" }>, "spot"> {
  const spot = spotBounds(spec);
  return spot === null ? {} : { spot };
}

/** Null: it has no spot VMs. */
export function spotBounds({ spot, scaling, replicas }: PoolSpec): SpotBounds | null {
  if (!spot) return null;
  return { base: spot.baseOnDemandReplicas, spare: mostSpare(spot), most: scaling?.max ?? replicas };
}

/** Goals of a pool that no rollout moves: its declared number of the revision that serves. */
export function steadyGoal(draft: Draft, intent: Intent, name: string): PoolGoal {
  const pool = draft.pool(name);
  const leaving = intent.service.deleting || (intent.pools[name]?.deleting ?? true);
  const replicas = leaving ? 0 : (pool.primary?.replicas ?? 0);
  const scaling = pool.primary?.scaling ?? null;
  return {
    primary: { replicas, steady: replicas },
    canary: NO_SIDE,
    split: ONE_VERSION,
    // Scaled to zero: it was asked for that nobody is there.
    keeps: replicas === 0 && scaling !== null ? NOBODY : SHARES,
    exchange: "newVm",
    // What drains since there was less to do must not keep out what is needed again.
    cap: leaving ? 0 : Math.max(replicas, scaling?.max ?? 0),
    moving: false,
    leaving,
  };
}

import { canonicalJson } from "./digest";
import { ServeError } from "./errors";
import { COMMANDS_KEPT, type Verb } from "./command";
import type { Intent, RolloutTarget } from "./intent";
import type { Strategy } from "./strategy";
import type { PoolSpec, ServiceSpec } from "./spec/pool";

/**
 * What handlers do to an intent. Every function is pure, leaves its argument alone, and returns the very same intent
 * when nothing changes, so that the caller need not write. Creates count an incarnation up; a delete that carries an
 * older one does nothing: `--target-replace`, `state taint` and `replaceOnChanges` create first and delete then, and
 * must never end what was just created.
 */

export function createService(
  current: Intent | null,
  fresh: { identity: string; uid: string; spec: ServiceSpec },
): Intent {
  if (current === null) {
    return {
      schemaVersion: 1,
      identity: fresh.identity,
      uid: fresh.uid,
      service: { incarnation: 1, spec: fresh.spec, deleting: false },
      pools: {},
      rollout: null,
      commands: { seq: 0, given: [] },
    };
  }
  const spec = retiring(current.service.spec, fresh.spec);
  const service = { incarnation: current.service.incarnation + 1, spec, deleting: false };
  return { ...current, service };
}

export function updateService(intent: Intent, declared: ServiceSpec): Intent {
  const spec = retiring(intent.service.spec, declared);
  return ifChanged(intent, { ...intent, service: { ...intent.service, spec } });
}

/** A target that is declared no more stays known: what still runs there has to be looked after, and ended one day. */
function retiring(before: ServiceSpec, declared: ServiceSpec): ServiceSpec {
  const { additionalTargets: kept = [] } = declared;
  const gone = (before.additionalTargets ?? []).filter(({ name }) => kept.every((one) => one.name !== name));
  if (gone.length === 0) return declared;
  return { ...declared, additionalTargets: [...kept, ...gone.map((one) => ({ ...one, retired: true as const }))] };
}

export function deleteService(intent: Intent, incarnation: number): Intent {
  const { service } = intent;
  if (incarnation < service.incarnation || service.deleting) return intent;
  return { ...intent, service: { ...service, deleting: true } };
}

export function createPool(intent: Intent, declared: PoolSpec): Intent {
  refuseDeleting(intent);
  const known = intent.pools[declared.name];
  const incarnation = (known?.incarnation ?? 0) + 1;
  const attempt = (known?.attempt ?? 0) + 1;
  return withPool(intent, declared.name, { incarnation, declared, attempt, deleting: false });
}

/** Declares anew without a new incarnation, always as a new attempt; a pool that is gone meanwhile is made again. */
export function updatePool(intent: Intent, declared: PoolSpec): Intent {
  refuseDeleting(intent);
  const known = intent.pools[declared.name];
  if (known === undefined) return createPool(intent, declared);
  return withPool(intent, declared.name, { ...known, declared, attempt: known.attempt + 1, deleting: false });
}

export function deletePool(intent: Intent, pool: string, incarnation: number): Intent {
  const known = intent.pools[pool];
  if (known === undefined || incarnation < known.incarnation || known.deleting) return intent;
  return withPool(intent, pool, { ...known, deleting: true });
}

/** Takes a pool that is gone out of the intent, unless it was declared again meanwhile. */
export function forgetPool(intent: Intent, pool: string, incarnation: number): Intent {
  const known = intent.pools[pool];
  if (known === undefined || !known.deleting || known.incarnation > incarnation) return intent;
  const { [pool]: _gone, ...pools } = intent.pools;
  return { ...intent, pools };
}

export function createRollout(intent: Intent, target: RolloutTarget, strategy: Strategy): Intent {
  refuseDeleting(intent);
  const incarnation = (intent.rollout?.incarnation ?? 0) + 1;
  return { ...intent, rollout: { incarnation, target, strategy, driving: true } };
}

export function updateRollout(intent: Intent, target: RolloutTarget, strategy: Strategy): Intent {
  refuseDeleting(intent);
  if (intent.rollout === null) return createRollout(intent, target, strategy);
  return ifChanged(intent, { ...intent, rollout: { ...intent.rollout, target, strategy, driving: true } });
}

/** Nobody drives any more; an unfinished rollout holds where it is. */
export function deleteRollout(intent: Intent, incarnation: number): Intent {
  const { rollout } = intent;
  if (rollout === null || incarnation < rollout.incarnation || !rollout.driving) return intent;
  return { ...intent, rollout: { ...rollout, driving: false } };
}

/** Gives a command; each is obeyed once, however often it is read. */
export function giveCommand(intent: Intent, verb: Verb): Intent {
  const seq = intent.commands.seq + 1;
  return { ...intent, commands: { seq, given: [...intent.commands.given, { seq, ...verb }].slice(-COMMANDS_KEPT) } };
}

function withPool(intent: Intent, name: string, pool: Intent["pools"][string]): Intent {
  return { ...intent, pools: { ...intent.pools, [name]: pool } };
}

function ifChanged(before: Intent, after: Intent): Intent {
  return canonicalJson(before) === canonicalJson(after) ? before : after;
}

/** The controller is ending everything: what is added now would end with it. */
function refuseDeleting(intent: Intent): void {
  if (!intent.service.deleting) return;
  throw new ServeError({
    code: "Unsupported",
    scope: "input",
    retryable: true,
    reasons: [
      `The service ${intent.identity} is being destroyed: wait until \`pulumi destroy\` is over, then run \`pulumi up\`.`,
    ],
  });
}

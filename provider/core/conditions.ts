import type { Draft } from "./draft";
import { capacityLack } from "./fleet/failures";
import { specOf } from "./fleet/restart";
import { refusalOf } from "./fleet/user-config";
import type { Observed } from "./observed";
import type { Condition, RolloutProgress } from "./state";

/** Why the service is not what was declared, as far as that is known: for status, outputs and waiting handlers. */
export function noteConditions(draft: Draft, observed: Observed): void {
  const found: Omit<Condition, "since">[] = [];
  const { routeError } = observed;
  if (routeError) {
    const kind = routeError.code === "EndpointInUse" ? "endpointInUse" : "dataPlaneDown";
    found.push({ kind, pool: null, message: routeError.message });
  }
  for (const [pool, state] of Object.entries(draft.state.pools)) {
    const { failures } = state;
    if (failures !== null && !failures.capacity) found.push({ kind: "replicaFailing", pool, message: failures.reason });
    const lack = capacityLack(state);
    if (lack !== null) found.push({ kind: "noCapacity", pool, message: lack });
  }
  const gate = gateThatHolds(draft.state.rollout);
  if (gate !== null) found.push({ kind: "gate", pool: null, message: gate });
  found.push(...refusals(draft));
  const before = draft.state.conditions;
  const same = (a: Omit<Condition, "since">, b: Omit<Condition, "since">) =>
    a.kind === b.kind && a.pool === b.pool && a.message === b.message;
  if (found.length === before.length && found.every((each, index) => same(each, before[index]!))) return;
  draft.state.conditions = found.map((each) => ({
    ...each,
    since: before.find((earlier) => earlier.kind === each.kind && earlier.pool === each.pool)?.since ?? draft.now,
  }));
}

/** Why the gates keep the rollout in the settled state where it is; null: they do not. */
function gateThatHolds(rollout: RolloutProgress | null): string | null {
  if (rollout === null || rollout.direction.kind === "back" || rollout.settledAt === null) return null;
  const { gate, cursor } = rollout;
  if (gate === null || gate.cursor !== cursor || gate.verdict.kind === "passed") return null;
  return gate.verdict.reason;
}

/** One a pool: they all refuse the same config, and a person needs one answer to mend it. */
function refusals(draft: Draft): Omit<Condition, "since">[] {
  const byPool = new Map<string, { first: string; others: number }>();
  for (const replica of draft.replicas()) {
    const spec = specOf(draft, replica.pool, replica.revision);
    const refusal = spec && refusalOf(replica, spec);
    if (refusal === null || replica.status === "terminating") continue;
    const known = byPool.get(replica.pool);
    if (known === undefined)
      byPool.set(replica.pool, { first: `${replica.id} refused the userConfig: ${refusal}`, others: 0 });
    else known.others += 1;
  }
  return [...byPool].map(([pool, { first, others }]) => ({
    kind: "configRefused",
    pool,
    message: others === 0 ? first : `${first} (and ${others} more)`,
  }));
}

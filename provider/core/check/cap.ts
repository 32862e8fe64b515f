import { violation, type InvariantCheck } from "./step";

/** No launch makes the VMs of a pool, of every kind and phase but those under notice, exceed the rollout's cap. */
export const cap: InvariantCheck = ({ events, after }) => {
  const rollout = after.rollout;
  if (rollout === null) return [];
  return Object.entries(rollout.cap).flatMap(([pool, limit]) => {
    const launch = events.findLast((event) => event.kind === "replicaLaunching" && event.pool === pool);
    if (launch === undefined) return [];
    const alive = [...after.replicas.values()].filter((replica) => replica.pool === pool && !replica.noticed).length;
    if (alive <= limit) return [];
    return [
      violation(
        "cap",
        launch,
        `A launch made ${alive} VMs of pool "${pool}"; rollout ${rollout.id} may have ${limit}.`,
      ),
    ];
  });
};

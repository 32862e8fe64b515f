import type { ServeEvent } from "../events";
import { violation, type InvariantCheck } from "./step";

/** A replica that is ready and routed is drained before it is ended, so that no running request is cut by us. */
export const drainFirst: InvariantCheck = ({ before, events }) =>
  events.flatMap((event) => {
    if (event.kind !== "replicaTerminating") return [];
    const replica = before.replicas.get(event.replica);
    if (replica === undefined || replica.phase !== "ready") return [];
    if (events.some((other) => isLossOf(other, event.replica))) return [];
    const routed = before.routed[replica.pool];
    const members = [...(routed?.primary?.replicas ?? []), ...(routed?.canary?.replicas ?? [])];
    if (!members.includes(event.replica)) return [];
    return [
      violation("drainFirst", event, `Replica ${event.replica} was ended while it was ready and in the routing.`),
    ];
  });

function isLossOf(event: ServeEvent, replica: string): boolean {
  return (event.kind === "replicaLost" || event.kind === "replicaNotReady") && event.replica === replica;
}

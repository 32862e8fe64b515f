import type { ServeEvent } from "../events";

export type Leaving = Extract<ServeEvent, { kind: "replicaDraining" | "replicaTerminating" | "replicaRestarting" }>;

/** Our moves that take a replica out of service. */
export function isLeaving(event: ServeEvent): event is Leaving {
  return event.kind === "replicaDraining" || event.kind === "replicaTerminating" || event.kind === "replicaRestarting";
}

/** The last move of a tick that took one of these out of service. */
export function lastLeaving(events: readonly ServeEvent[], replicas: readonly { id: string }[]): Leaving | undefined {
  const leaving = events.filter(isLeaving);
  if (leaving.length === 0) return undefined;
  const ids = new Set(replicas.map(({ id }) => id));
  return leaving.findLast(({ replica }) => ids.has(replica));
}

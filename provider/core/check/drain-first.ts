import type { ServeEvent } from "../events";
import { violation, type InvariantCheck } from "./step";
import { Replay, type World } from "./world";

/** A replica that serves is drained before it is ended or restarted, so that no running request is cut by us. */
export const drainFirst: InvariantCheck = ({ before, events }) => {
  if (!events.some(({ kind }) => kind === "replicaTerminating" || kind === "replicaRestarting")) return [];
  const lost = new Set(events.flatMap(lossOf));
  const replay = new Replay(before);
  return events.flatMap((event) => {
    const sentence = event.kind === "replicaTerminating" ? endedEarly(before, replay.world, lost, event) : null;
    const restarted = event.kind === "replicaRestarting" ? restartedEarly(replay.world, event) : null;
    replay.take(event);
    const broken = sentence ?? restarted;
    return broken === null ? [] : [violation("drainFirst", event, broken)];
  });
};

function endedEarly(
  before: World,
  now: World,
  lost: ReadonlySet<string>,
  { replica: id }: { replica: string },
): string | null {
  if (now.replicas.get(id)?.phase === "draining") return `Replica ${id} was ended before its drain was over.`;
  const replica = before.replicas.get(id);
  if (replica === undefined || replica.phase !== "ready") return null;
  if (lost.has(id)) return null;
  const routed = before.routed[replica.pool];
  const members = [...(routed?.primary?.replicas ?? []), ...(routed?.canary?.replicas ?? [])];
  return members.includes(id) ? `Replica ${id} was ended while it was ready and in the routing.` : null;
}

/** Only one that never served may restart without a drain. */
function restartedEarly({ replicas }: World, { replica: id }: { replica: string }): string | null {
  const phase = replicas.get(id)?.phase;
  if (phase !== "ready" && phase !== "notReady" && phase !== "draining") return null;
  return `Replica ${id} was restarted while it was ${phase === "notReady" ? "in service" : phase}, not drained.`;
}

function lossOf(event: ServeEvent): string[] {
  return event.kind === "replicaLost" || event.kind === "replicaNotReady" ? [event.replica] : [];
}

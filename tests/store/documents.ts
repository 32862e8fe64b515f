import type { ServeEvent } from "../../provider/core/events";
import type { Intent } from "../../provider/core/intent";
import type { State } from "../../provider/core/state";

/** Long enough that a write is not one page. */
const PADDING = "x".repeat(20_000);

export function intentWith(incarnation: number): Intent {
  const service = { incarnation, deleting: false, spec: { padding: PADDING } as never };
  return {
    schemaVersion: 1,
    identity: "p/s/chat",
    uid: "u1",
    service,
    pools: {},
    rollout: null,
    commands: { seq: 0, given: [] },
  };
}

export function stateWith(epoch: number, nextReplica: number): State {
  return { schemaVersion: 1, epoch, nextReplica, padding: PADDING } as unknown as State;
}

export function eventAt(seq: number): ServeEvent {
  return { seq, at: 1000 + seq, epoch: 1, kind: "replicaEnded", replica: `r-${seq}` };
}

import type { GateVerdict } from "../gate/state";
import type { ServeEvent } from "../events";

/** The plan state at which a rollout stands, as far as the log tells it. */
export interface Stand {
  /** When it became the goal. */
  since: number;
  /** Whether bake and gates wait here. */
  waitsHere: boolean;
  /** When it was established last; null: not yet. */
  settledAt: number | null;
  /** The gates' verdict since then; null: none was told. */
  verdict: GateVerdict["kind"] | null;
  /** What an operator has waved through here. */
  waved: "waits" | "everything" | null;
}

export type StandEvent = Extract<
  ServeEvent,
  {
    kind:
      | "rolloutStep"
      | "rolloutReplanned"
      | "rolloutRetuned"
      | "rolloutSettled"
      | "gateJudged"
      | "commandObeyed"
      | "rollingBack";
  }
>;

export function newStand(since: number, waitsHere: boolean): Stand {
  return { since, waitsHere, settledAt: null, verdict: null, waved: null };
}

/**
 * Seconds that a wait has lasted; null: the clock was put back meanwhile, and an agent of an older version did not say
 * when the wait began by the new one.
 */
export function waited(since: number, at: number): number | null {
  return at < since ? null : (at - since) / 1000;
}

/** Where it stands after one more event about it. */
export function nextStand(stand: Stand, event: StandEvent): Stand {
  switch (event.kind) {
    case "rolloutStep":
      return newStand(event.at, event.state.settled);
    case "rolloutReplanned":
      // More replicas for the load leave the split as it was: a wait that has begun goes on.
      if (event.waitsHere === undefined || (event.waitsHere && stand.waitsHere)) return stand;
      // What was waved through stays so until the next step: the same word would have to be given twice.
      return { ...newStand(event.at, event.waitsHere), waved: stand.waved };
    case "rolloutRetuned":
      return event.gatesChanged ? { ...stand, verdict: null } : stand;
    case "rolloutSettled":
      return { ...stand, settledAt: event.at, verdict: null };
    case "gateJudged":
      return { ...stand, verdict: event.verdict.kind };
    case "commandObeyed":
      if (event.verb !== "promote") return stand;
      if (event.detail === "force") return { ...stand, waved: "everything" };
      return event.detail === "waits" ? { ...stand, waved: "waits" } : stand;
    case "rollingBack":
      return { ...stand, waved: null };
  }
}

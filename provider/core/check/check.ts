import type { Invariant, ServeEvent } from "../events";
import { cap } from "./cap";
import { capacity } from "./capacity";
import { drainFirst } from "./drain-first";
import { lastHealthy } from "./last-healthy";
import { monotoneTraffic } from "./monotone-traffic";
import { oneActor } from "./one-actor";
import { oneEach } from "./one-each";
import { stepsOf, type InvariantCheck, type Violation } from "./step";
import { emptyWorld } from "./world";

export interface CheckReport {
  events: number;
  firstSeq: number | null;
  lastSeq: number | null;
  rollouts: number;
  verdicts: Verdict[];
  /** True when every invariant holds. */
  holds: boolean;
}

export interface Verdict {
  invariant: Invariant;
  /** The first place where it broke; null: it holds over the whole log. */
  violation: Violation | null;
}

/** Each judges the log tick by tick; oneActor judges the order of the log itself and comes first. */
const judges: Partial<Record<Invariant, InvariantCheck>> = {
  cap,
  capacity,
  oneEach,
  lastHealthy,
  drainFirst,
  monotoneTraffic,
};

/** Replays a service's whole event log and proves each invariant, or says where it first broke. */
export function checkEvents(events: readonly ServeEvent[]): CheckReport {
  const steps = stepsOf(events, emptyWorld);
  const verdicts = Object.entries(judges).map(([invariant, judge]): Verdict => {
    for (const step of steps) {
      const [first] = judge(step);
      if (first !== undefined) return { invariant: invariant as Invariant, violation: first };
    }
    return { invariant: invariant as Invariant, violation: null };
  });
  verdicts.unshift({ invariant: "oneActor", violation: oneActor(events)[0] ?? null });
  return {
    events: events.length,
    firstSeq: events[0]?.seq ?? null,
    lastSeq: events.at(-1)?.seq ?? null,
    rollouts: events.filter(({ kind }) => kind === "rolloutStarted").length,
    verdicts,
    holds: verdicts.every(({ violation }) => violation === null),
  };
}

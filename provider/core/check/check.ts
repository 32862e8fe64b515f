import type { Invariant, ServeEvent } from "../events";
import { cap } from "./cap";
import { capacity } from "./capacity";
import { clocks } from "./clocks";
import { configured } from "./configured";
import { drainFirst } from "./drain-first";
import { gates } from "./gates";
import { holds } from "./holds";
import { lastHealthy } from "./last-healthy";
import { leftBehind } from "./left-behind";
import { monotoneTraffic } from "./monotone-traffic";
import { noMixing } from "./no-mixing";
import { keepBooks } from "./no-orphan";
import { oneActor } from "./one-actor";
import { oneEach } from "./one-each";
import { rolloutsOf, type RolloutReport } from "./rollouts";
import { stepsOf, type InvariantCheck, type Violation } from "./step";
import { emptyWorld } from "./world";

export interface CheckReport {
  events: number;
  firstSeq: number | null;
  lastSeq: number | null;
  rollouts: RolloutReport[];
  /** Replicas and orphans that are still there when the log ends. */
  atEnd: { replicas: string[]; orphans: string[] };
  verdicts: Verdict[];
  /** True when every invariant holds. */
  holds: boolean;
}

export interface Verdict {
  invariant: Invariant;
  /** The first place where it broke; null: it holds over the whole log. */
  violation: Violation | null;
}

/** Each judges the log tick by tick; oneActor and noOrphan judge the log as a whole. */
const judges: Record<Exclude<Invariant, "oneActor" | "noOrphan">, InvariantCheck> = {
  cap,
  capacity,
  oneEach,
  lastHealthy,
  drainFirst,
  monotoneTraffic,
  noMixing,
  holds,
  gates,
  configured,
  clocks,
};

/** Replays a service's whole event log and proves each invariant, or says where it first broke. */
export function checkEvents(events: readonly ServeEvent[]): CheckReport {
  const steps = stepsOf(events, emptyWorld);
  const books = keepBooks(events);
  const found: [string, Violation[]][] = [
    ["oneActor", oneActor(events)],
    ...Object.entries(judges).map(([name, judge]): [string, Violation[]] => [name, steps.flatMap(judge)]),
    ["noOrphan", [...books.violations, ...steps.flatMap(leftBehind)].sort((a, b) => a.seq - b.seq)],
  ];
  const violations = found.flatMap(([, each]) => each).sort((a, b) => a.seq - b.seq);
  return {
    events: events.length,
    firstSeq: events[0]?.seq ?? null,
    lastSeq: events.at(-1)?.seq ?? null,
    rollouts: rolloutsOf(steps, violations),
    atEnd: { replicas: books.alive, orphans: books.orphans },
    verdicts: found.map(([invariant, [first]]) => ({ invariant: invariant as Invariant, violation: first ?? null })),
    holds: violations.length === 0,
  };
}

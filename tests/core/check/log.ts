import type { EventBody, RoutedPool, ServeEvent } from "../../../provider/core/events";

/** Writes a log by hand, tick by tick. */
export class LogBook {
  readonly events: ServeEvent[] = [];
  private at = 1_000;

  constructor(private readonly epoch = 1) {}

  tick(...bodies: EventBody[]): this {
    this.at += 100;
    for (const body of bodies) {
      this.events.push({ seq: this.events.length + 1, at: this.at, epoch: this.epoch, ...body });
    }
    return this;
  }

  /** Launches replicas of a revision and sees them ready. */
  ready(revision: string, ...replicas: string[]): this {
    this.tick(...replicas.map((replica): EventBody => ({ kind: "replicaLaunching", replica, pool: "p", revision })));
    this.tick(...replicas.map((replica): EventBody => ({ kind: "replicaStarting", replica, zone: "a" })));
    return this.tick(...replicas.map((replica): EventBody => ({ kind: "replicaReady", replica, afterSeconds: 1 })));
  }

  /** Takes replicas out and ends them as it should be done. */
  ended(...replicas: string[]): this {
    this.tick(...replicas.map(draining));
    this.tick(
      ...replicas.flatMap((replica): EventBody[] => [
        { kind: "replicaDrained", replica, inFlight: 0, seconds: 0.1 },
        { kind: "replicaTerminating", replica, reason: "over" },
      ]),
    );
    return this.tick(...replicas.map((replica): EventBody => ({ kind: "replicaEnded", replica })));
  }
}

export function draining(replica: string): EventBody {
  return { kind: "replicaDraining", replica, reason: "the rollout needs fewer" };
}

/** Weights canary : primary with the replicas of both. */
export function routed(canary: number, primary: number, canaries: string[], primaries: string[]): EventBody {
  const pool: RoutedPool = {
    canary: canaries.length === 0 && canary === 0 ? null : { revision: "b", weight: canary, replicas: canaries },
    primary: { revision: "a", weight: primary, replicas: primaries },
    draining: [],
  };
  return { kind: "routed", generation: 1, pools: { p: pool } };
}

export function rolloutStarted(
  replicas = 4,
  cap = 5,
  more: Partial<Extract<EventBody, { kind: "rolloutStarted" }>> = {},
): EventBody {
  return {
    kind: "rolloutStarted",
    rollout: 1,
    targetKey: "t",
    version: 2,
    pools: [{ name: "p", from: replicas, to: replicas }],
    cap: { p: cap },
    strategy: "surge",
    maxShiftPercent: 25,
    floor: null,
    origin: "declared",
    revisions: { p: { from: "a", to: "b" } },
    ...more,
  };
}

/** A service of four replicas of revision a, p-1 to p-4, that serves. */
export function serving(): LogBook {
  const old = ["p-1", "p-2", "p-3", "p-4"];
  return new LogBook()
    .tick({ kind: "leaseTaken", packageVersion: "0.1.0" })
    .tick({ kind: "poolDeclared", pool: "p", revision: "a", replicas: 4, change: "first" })
    .ready("a", ...old)
    .tick(routed(0, 100, [], old));
}

/** The same, with the first wave of a rollout to revision b up: p-5 is ready, nothing is shifted yet. */
export function canaryUp(): LogBook {
  return serving()
    .tick(rolloutStarted())
    .ready("b", "p-5")
    .tick(routed(0, 100, ["p-5"], ["p-1", "p-2", "p-3", "p-4"]));
}

/** Replicas of the first version of a pool of four, and of the second. */
export const OLD = ["p-1", "p-2", "p-3", "p-4"];
export const NEW = ["p-5", "p-6", "p-7", "p-8"];

export const promoted: EventBody = {
  kind: "rolloutEnded",
  rollout: 1,
  outcome: "promoted",
  reason: null,
  seconds: 12.5,
};
export const rolledBack: EventBody = {
  kind: "rolloutEnded",
  rollout: 1,
  outcome: "rolledBack",
  reason: "x",
  seconds: 9,
};

export function goingBack(mode: "safe" | "immediate" | "gradual"): EventBody {
  return { kind: "rollingBack", rollout: 1, cause: "operator", reason: "an operator aborted it", mode };
}

import type { Verb } from "../../../provider/core/command";
import type { Gate, Strategy, StrategyCommon } from "../../../provider/core/strategy";
import { COMMON } from "../../core/strategies";
import { elastic } from "./elastic";
import { Random } from "./random";
import type { Fault, Operation, Program, RevisionBehaviour, Scenario } from "./scenario";
import type { StoreTrouble } from "./store";
import { withTornWrites } from "./torn-writes";

/** Strategies that the core can drive. */
const STRATEGIES: readonly Strategy["kind"][] = ["surge", "surge", "blueGreen", "rolling", "inPlace"];
const FAULTS = [
  "crash",
  "suspend",
  "split",
  "lose",
  "notice",
  "exit",
  "sick",
  "hide",
  "refuse",
  "slowBoot",
  "network",
  "throttle",
  "store",
  "clock",
  "dataPlane",
  "load",
  "gate",
] as const satisfies readonly Fault["kind"][];

const STORE_TROUBLES: readonly StoreTrouble[] = [
  "refused",
  "replyLost",
  "conflict",
  "appendRefused",
  "appendTorn",
  "intentRefused",
  "intentReplyLost",
  "intentConflict",
];

/** Place of the program that only changes what no replica has to restart for. */
const LIGHT = 3;

/** The scenario of a seed: a service, a change of its program, and what happens to both on the way. */
export function generate(seed: string): Scenario {
  const random = new Random(seed);
  const pools = random.chance(0.6) ? 1 : random.whole(2, 4);
  const sizes = Array.from({ length: pools }, () => sizeOf(random));
  const strategy = strategyOf(random);
  const first = programOf(random, sizes, "a", strategy);
  const second = changed(random, first, "b");
  const scenario: Scenario = {
    seed,
    revisions: {
      a: { ...behaviourOf(random), start: "ready", failsAfterMs: null, refusesConfig: false, errorPercent: 0 },
      b: behaviourOf(random),
      c: behaviourOf(random),
    },
    programs: [
      first,
      second,
      changed(random, first, "c"),
      random.chance(0.7) ? light(random, first) : reconfigured(random, first),
      { ...second, strategy: otherSplit(random, second.strategy) },
    ],
    steps: [{ at: 0, kind: "up", program: random.chance(0.9) ? 1 : 3, killAfterMs: maybeKilled(random) }],
  };
  const horizon = horizonMs(scenario);
  const at = () => random.whole(0, horizon);
  const troubles = random.pick([0, 1, 1, 2, 2, 3, 4, 6, 9]);
  for (let count = 0; count < troubles; count += 1) scenario.steps.push({ at: at(), ...faultOf(random) });
  const operations = random.pick([0, 0, 0, 1, 1, 2, 3]);
  for (let count = 0; count < operations; count += 1) scenario.steps.push({ at: at(), ...operationOf(random) });
  scenario.steps.sort((a, b) => a.at - b.at);
  return withTornWrites(elastic(weighed(scenario), horizon), horizon);
}

const WEIGHTS = [0.5, 1, 1, 1.5, 2, 4];

/** In some services revisions run on machines of other capacity. By luck of its own, so that a seed's story stays what it was. */
function weighed(scenario: Scenario): Scenario {
  const random = new Random(`${scenario.seed}/weights`);
  if (random.chance(0.7)) return scenario;
  const [a, b, c] = [random.pick(WEIGHTS), random.pick(WEIGHTS), random.pick(WEIGHTS)];
  const weights: Record<string, number> = { a, b, c };
  const programs = scenario.programs.map((program, index) => {
    const changesIt = index === LIGHT && random.chance(0.5);
    const pools = program.pools.map((pool) => ({
      ...pool,
      capacityWeight: changesIt ? random.pick(WEIGHTS) : weights[pool.revision]!,
    }));
    return { ...program, pools };
  });
  return { ...scenario, programs };
}

function sizeOf(random: Random): number {
  if (random.chance(0.01)) return 100;
  return random.chance(0.3) ? random.whole(1, 3) : random.whole(1, 12);
}

function strategyOf(random: Random): Strategy {
  const common: StrategyCommon = {
    ...COMMON,
    timeoutSeconds: random.chance(0.1) ? random.whole(5, 120) : 7200,
    stepTimeoutSeconds: random.chance(0.05) ? random.whole(5, 60) : null,
    capacityWaitSeconds: random.pick([10, 1800]),
    bakeSeconds: random.chance(0.8) ? 0 : random.whole(1, 10),
    gates: random.chance(0.75) ? [] : [gateOf(random)],
    rollback: random.pick([
      { mode: "safe" },
      { mode: "safe" },
      { mode: "immediate" },
      { mode: "gradual", maxSurgePercent: random.pick([10, 25, 100]) },
    ] as const),
    keepRevisions: random.pick([0, 1, 3, 3]),
  };
  const kind = random.pick(STRATEGIES);
  const maxUnavailablePercent = random.pick([1, 20, 20, 34, 50, 100]);
  switch (kind) {
    case "surge": {
      const canaryPercent = random.chance(0.7) ? null : random.pick([0, 10, 30, 50, 100]);
      return { ...common, kind, maxSurgePercent: random.pick([10, 20, 25, 25, 34, 50, 75, 100]), canaryPercent };
    }
    case "blueGreen":
      return { ...common, kind };
    case "rolling": {
      const order = random.pick(["stopFirst", "startFirst"] as const);
      return { ...common, kind, maxUnavailablePercent, order, allowOutage: true };
    }
    case "inPlace":
      return { ...common, kind, maxUnavailablePercent, allowOutage: true };
  }
}

function gateOf(random: Random): Gate {
  const minRequests = random.pick([1, 50]);
  switch (random.pick(["errorRate", "p95", "firstByteP95", "command", "webhook"] as const)) {
    case "errorRate":
      return { kind: "errorRate", maxPercent: 5, maxAbovePrimary: null, minRequests };
    case "p95":
      return { kind: "p95", maxMilliseconds: 1_000, maxTimesPrimary: 2, minRequests };
    case "firstByteP95":
      return { kind: "firstByteP95", maxMilliseconds: 1_000, maxTimesPrimary: 2, minRequests };
    case "command":
      return { kind: "command", secret: "gate", timeoutSeconds: 10 };
    case "webhook":
      return { kind: "webhook", secret: "gate", timeoutSeconds: 10 };
  }
}

function behaviourOf(random: Random): RevisionBehaviour {
  const start = random.chance(0.85) ? "ready" : random.pick(["never", "exits"] as const);
  return {
    bootMs: random.pick([200, 1_000, 3_000, 8_000]),
    start,
    failsAfterMs: start === "ready" && random.chance(0.08) ? random.whole(500, 20_000) : null,
    path: random.chance(0.8) ? "/health" : "/ready",
    drainMs: random.pick([0, 300, 2_000, 10_000]),
    errorPercent: random.chance(0.1) ? 50 : 0,
    latencyMs: random.chance(0.1) ? 2_000 : 20,
    refusesConfig: random.chance(0.1),
  };
}

function programOf(random: Random, sizes: readonly number[], revision: string, strategy: Strategy): Program {
  return {
    strategy,
    pools: sizes.map((replicas, index) => ({
      name: `p${index}`,
      revision,
      replicas,
      drainSeconds: random.pick([1, 5, 20]),
      minReadySeconds: random.chance(0.8) ? 0 : random.whole(1, 5),
      startupGraceSeconds: random.pick([20, 60]),
      config: random.chance(0.2) ? "warm" : null,
      onRefusal: random.chance(0.7) ? "report" : "replace",
    })),
  };
}

/** Another revision of most pools, often with another number of replicas; sometimes a pool more or less. */
function changed(random: Random, { pools, strategy }: Program, revision: string): Program {
  const kept = pools.length > 1 && random.chance(0.1) ? pools.slice(1) : pools;
  const next = kept.map((pool, index) => ({
    ...pool,
    revision: index === 0 || random.chance(0.75) ? revision : pool.revision,
    replicas: random.chance(0.4) ? sizeOf(random) : pool.replicas,
    drainSeconds: random.chance(0.1) ? random.pick([2, 10]) : pool.drainSeconds,
  }));
  if (next.length < 4 && random.chance(0.1)) next.push({ ...next[0]!, name: "new", replicas: sizeOf(random) });
  return { pools: next, strategy: random.chance(0.1) ? strategyOf(random) : strategy };
}

/** The same revisions with other numbers. */
function light(random: Random, { pools, strategy }: Program): Program {
  return { strategy, pools: pools.map((pool) => ({ ...pool, replicas: sizeOf(random) })) };
}

/** Another userConfig, and nothing else. */
function reconfigured(random: Random, { pools, strategy }: Program): Program {
  return { strategy, pools: pools.map((pool) => ({ ...pool, config: random.pick(["cold", "warm", null]) })) };
}

/** canaryPercent raised, lowered or taken away. */
function otherSplit(random: Random, strategy: Strategy): Strategy {
  if (strategy.kind !== "surge") return strategy;
  return { ...strategy, canaryPercent: random.pick([null, 5, 25, 60, 100]) };
}

function maybeKilled(random: Random): number | null {
  return random.chance(0.15) ? random.whole(0, 20_000) : null;
}

function operationOf(random: Random): Operation {
  if (random.chance(0.55)) {
    return { kind: "up", program: random.whole(0, 4), killAfterMs: maybeKilled(random) };
  }
  if (random.chance(0.7)) return { kind: "verb", verb: verbOf(random) };
  const pool = random.whole(0, 3);
  if (random.chance(0.7)) return { kind: "replace", what: random.pick(["service", "pool", "rollout"] as const), pool };
  return random.pick<Operation>([{ kind: "deletePool", pool }, { kind: "deleteRollout" }, { kind: "deleteService" }]);
}

function verbOf(random: Random): Verb {
  const mode = random.pick([
    null,
    { mode: "safe" },
    { mode: "immediate" },
    { mode: "gradual", maxSurgePercent: 25 },
  ] as const);
  return random.pick<Verb>([
    { kind: "abort", mode },
    { kind: "rollback", mode, toVersion: random.pick([null, null, 1, 2]) },
    { kind: "pause" },
    { kind: "resume" },
    { kind: "promote", force: random.chance(0.4) },
    { kind: "retry" },
  ]);
}

function faultOf(random: Random): Fault {
  const kind = random.pick(FAULTS);
  const pick = random.whole(0, 20);
  switch (kind) {
    case "crash": {
      const downMs = random.pick([200, 1_000, 8_000]);
      return { kind, calls: random.whole(1, 12), when: random.pick(["before", "after"] as const), downMs };
    }
    case "suspend":
      return { kind, forMs: random.pick([3_000, 15_000, 60_000]) };
    case "split":
      return { kind };
    case "lose":
      return { kind, pick, count: random.pick([1, 1, 2, 5]) };
    case "notice": {
      const inMs = random.pick([500, 5_000, 30_000, 120_000]);
      return { kind, pick, count: random.pick([1, 1, 2, 5]), inMs, isFollowed: random.chance(0.8) };
    }
    case "exit":
      return { kind, pick };
    case "sick":
      return { kind, pick, forMs: random.pick([2_000, 10_000, 60_000]) };
    case "refuse":
      return {
        kind,
        scope: random.pick(["zoneAndType", "market", "account", "fatal"] as const),
        forMs: random.pick([1_000, 10_000, 120_000]),
      };
    case "slowBoot":
      return { kind, times: random.pick([3, 10]), forMs: random.pick([5_000, 60_000]) };
    case "network": {
      const order = random.pick(["launch", "terminate", "route", "restart", "reconfigure", "runGate"] as const);
      const how = random.pick(["lostReply", "late", "duplicate"] as const);
      return { kind, order, how, forMs: random.pick([2_000, 20_000]), delayMs: random.pick([500, 5_000, 45_000]) };
    }
    case "hide":
      return { kind, pick, forMs: random.pick([1_000, 20_000, 180_000]) };
    case "throttle":
      return { kind, forMs: random.pick([1_000, 20_000, 120_000]) };
    case "store": {
      const how = random.pick(STORE_TROUBLES);
      return { kind, how, times: random.whole(1, 3) };
    }
    case "clock":
      return { kind, jumpMs: random.pick([-600_000, -60_000, -2_000, 2_000, 60_000, 600_000]) };
    case "dataPlane":
      return { kind, downMs: random.pick([500, 5_000, 30_000]), remembers: random.chance(0.8) };
    case "load":
      return { kind, requestsPerSecond: random.pick([0, 5, 200]) };
    case "gate":
      return { kind, outcome: random.pick(["passed", "failed", "unreachable"] as const) };
  }
}

/** About as long as the rollout takes when nothing goes wrong. */
function horizonMs({ programs, revisions }: Scenario): number {
  const { strategy, pools } = programs[1]!;
  const waves = strategy.kind === "surge" ? Math.ceil(100 / strategy.maxSurgePercent) : 5;
  const { bootMs, drainMs } = revisions["b"]!;
  const ready = Math.max(...pools.map(({ minReadySeconds }) => minReadySeconds)) * 1000;
  return Math.round(1.2 * waves * (bootMs + drainMs / 2 + ready + 1_500)) + 5_000;
}

import type { ScalingSpec } from "../../../provider/core/scale/spec";
import type { SpotSpec } from "../../../provider/core/spot/spec";
import { Random } from "./random";
import type { Fault, ProgramPool, Scenario, Step } from "./scenario";

const ZONES = ["eu-1a", "eu-1b", "us-1a"];

/** What a pool's number of replicas is made of beside the one that its programs declare. */
interface Elasticity {
  scaling: (replicas: number) => ScalingSpec | null;
  spot: (most: number) => SpotSpec | null;
}

/**
 * In some services pools go with their load, use the spot market, or both, through load that rises, falls and goes, and
 * markets that take and give back. By luck of its own, so that a seed's story without them stays what it was.
 */
export function elastic(scenario: Scenario, horizon: number): Scenario {
  const random = new Random(`${scenario.seed}/elastic`);
  if (random.chance(0.6)) return scenario;
  const isScaled = random.chance(0.67);
  const isSpot = !isScaled || random.chance(0.5);
  const drawn = new Map<string, Elasticity>();
  const elasticityOf = (name: string, anew: boolean): Elasticity => {
    if (anew || !drawn.has(name)) drawn.set(name, elasticity(random, isScaled, isSpot));
    return drawn.get(name)!;
  };
  const programs = scenario.programs.map((program) => ({
    ...program,
    pools: program.pools.map((pool) => elasticPool(pool, elasticityOf(pool.name, random.chance(0.08)))),
  }));
  const steps: Step[] = [...scenario.steps];
  const at = () => random.whole(0, Math.round(1.3 * horizon));
  if (isScaled) {
    for (let count = random.pick([1, 2, 3, 5, 8]); count > 0; count -= 1) steps.push({ at: at(), ...demand(random) });
  }
  if (isSpot) {
    for (let count = random.pick([0, 1, 2, 3, 5]); count > 0; count -= 1) steps.push({ at: at(), ...market(random) });
  }
  if (random.chance(0.2)) {
    const [percent, forMs] = [random.pick([30, 70]), random.pick([5_000, 60_000])];
    steps.push({ at: at(), kind: "throttleLaunches", percent, forMs });
  }
  return {
    ...scenario,
    programs,
    steps: steps.sort((a, b) => a.at - b.at),
    ...(isSpot && random.chance(0.9) && { zones: ZONES.slice(0, random.pick([1, 2, 3, 3])) }),
    ...(isScaled && {
      demand: { requestsPerSecond: random.whole(0, 16), requestSeconds: random.pick([0.02, 0.3, 2]) },
    }),
  };
}

function elasticPool(pool: ProgramPool, { scaling, spot }: Elasticity): ProgramPool {
  const scaled = scaling(pool.replicas);
  const market = spot(scaled?.max ?? pool.replicas);
  return { ...pool, ...(scaled && { scaling: scaled }), ...(market && { spot: market }) };
}

function elasticity(random: Random, isScaled: boolean, isSpot: boolean): Elasticity {
  const scaling = isScaled && random.chance(0.85) ? scalingOf(random) : () => null;
  const spot = isSpot && random.chance(0.85) ? spotOf(random) : () => null;
  return { scaling, spot };
}

function scalingOf(random: Random): Elasticity["scaling"] {
  const least = random.pick([0, 0, 1, 1, 2]);
  const more = random.whole(0, 8);
  const signal = random.pick(["rate", "rate", "rate", "inFlight", "both"] as const);
  const given = {
    targetQpsPerReplica: signal === "inFlight" ? null : random.pick([1, 2, 2, 5]),
    targetInFlightPerReplica: signal === "rate" ? null : random.pick([1, 2, 4]),
    targetLatencyP95Ms: null,
    targetTimeToFirstByteP95Ms: null,
    upscaleDelaySeconds: random.pick([0, 3, 3, 15, 60]),
    downscaleDelaySeconds: random.pick([0, 5, 5, 20, 90]),
    windowSeconds: random.pick([20, 60, 120]),
    maxStepUpPercent: random.chance(0.8) ? null : random.pick([50, 100]),
    maxStepDown: random.chance(0.8) ? null : random.pick([1, 2]),
    schedules: [],
  };
  return (replicas) => ({ min: Math.min(least, replicas), max: replicas + more, initial: replicas, ...given });
}

function spotOf(random: Random): Elasticity["spot"] {
  const base = random.pick([0, 0, 0, 1, 2]);
  const given = {
    dynamicOnDemandFallback: random.chance(0.8),
    numOverprovision: random.pick([0, 0, 0, 1, 2]),
    graceSeconds: random.pick(["auto", "auto", 0, 0, 5] as const),
    minFallbackSeconds: random.pick([0, 0, 30]),
    cautionSeconds: random.pick([0, 0, 20, 120, 600]),
    fallbackBudget: random.chance(0.9) ? null : { kind: "replicas" as const, replicas: random.whole(1, 2) },
    fallbackAtStart: random.chance(0.3),
  };
  return (most) => ({ baseOnDemandReplicas: Math.min(base, most), ...given });
}

function demand(random: Random): Fault {
  const requestsPerSecond = random.pick([0, 0, 1, 4, 8, 15, 30]);
  return { kind: "demand", pool: random.chance(0.6) ? null : random.whole(0, 3), requestsPerSecond };
}

function market(random: Random): Fault {
  const pick = random.whole(0, 20);
  if (random.chance(0.25)) {
    const lostInMs = random.chance(0.7) ? null : random.pick([2_000, 30_000]);
    return { kind: "atRisk", pick, count: random.pick([1, 1, 3]), lostInMs };
  }
  return {
    kind: "zone",
    zone: random.whole(0, 2),
    market: random.chance(0.8) ? "spot" : "onDemand",
    scope: random.chance(0.8) ? "zoneAndType" : "market",
    forMs: random.pick([2_000, 20_000, 120_000, 400_000]),
    takes: random.pick([0, 1, 2, 99]),
    noticeMs: random.chance(0.5) ? null : random.pick([500, 5_000, 30_000]),
  };
}

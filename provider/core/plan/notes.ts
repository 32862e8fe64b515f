import type { Gate, InPlaceStrategy, RollingStrategy, Strategy } from "../strategy";
import { canaryBounds } from "../scale/rollout";
import { count } from "./classify";
import { secondsWords } from "./describe";
import { planPath } from "./path";
import { mayStopFirst, planWaves } from "./rolling";
import type { Start } from "./starts";
import type { Path, PlannedPool } from "./states";
import { bothOf, isWeighted, unitsOf, weighed } from "./units";

/** What a strategy means for this rollout, in sentences: what to expect while it runs and when it goes wrong. */
export function notesOf(strategy: Strategy, pools: readonly PlannedPool[], path: Path): string[] {
  return [
    ...pools.flatMap(weightNote),
    ...kindNotes(strategy, pools, path),
    ...waitNotes(strategy, path),
    ...(strategy.rollback.mode === "immediate" ? [overloadNote(pools, path)] : []),
  ];
}

/** An autoscaled pool may have another number when the rollout gets there: the bounds that hold whatever the load does. */
export function scalingNotes(strategy: Strategy, starts: readonly Start[]): string[] {
  return starts.flatMap(({ from, pool }) => {
    if (!pool.scaling) return [];
    const { min, max } = pool.scaling;
    const canary = canaryBounds(pool.scaling);
    const most = Math.max(max, from?.scaling?.max ?? from?.replicas ?? 0);
    const weights = weighed(from?.capacityWeight, pool.capacityWeight);
    const { cap } = planPath(strategy, [{ name: pool.name, from: from === null ? 0 : most, to: most, ...weights }]);
    const bounds =
      strategy.kind === "surge"
        ? `at P % its canary has from P % of ${canary.min} to P % of ${canary.max} replicas, rounded up; `
        : "";
    const now = `planned for the ${count(pool.replicas, "replica")} of now`;
    return [`${pool.name}: autoscaled ${min}..${max}, ${now}; ${bounds}at any load at most ${cap[pool.name]} at once`];
  });
}

function kindNotes(strategy: Strategy, pools: readonly PlannedPool[], { floor }: Path): string[] {
  switch (strategy.kind) {
    case "surge": {
      const { canaryPercent } = strategy;
      if (canaryPercent === null || canaryPercent === 100) return [];
      return [holdNote(canaryPercent), "automatic rollback is off, as `canaryPercent` is given"];
    }
    case "blueGreen":
      return ["a whole second fleet comes up, then all traffic changes over at once; the old one goes last"];
    case "rolling":
    case "inPlace":
      return pools.flatMap((pool) => {
        const both = bothOf(pool);
        if (both === 0) return [];
        const lost = both - floor![pool.name]!;
        const room = withoutRoomNote(strategy, pool);
        if (!isWeighted(pool)) return [capacityNote(pool.name, { replicas: both, down: lost }, lost / both) + room];
        if (strategy.kind === "rolling") return [weightedNote(pool.name, lost / both) + room];
        const { canary, primary } = unitsOf(pool);
        const replicas = Math.min(pool.from, pool.to);
        const down = replicas - floor![pool.name]! / Math.min(canary, primary);
        return [capacityNote(pool.name, { replicas, down }, lost / both)];
      });
  }
}

/** What becomes of `startFirst` in a full cluster. */
function withoutRoomNote(strategy: RollingStrategy | InPlaceStrategy, pool: PlannedPool): string {
  if (strategy.kind !== "rolling" || strategy.order !== "startFirst" || !mayStopFirst(strategy, pool)) return "";
  const { floor } = planWaves({ ...strategy, order: "stopFirst" }, [pool]);
  const both = bothOf(pool);
  const lost = both - floor![pool.name]!;
  const down = isWeighted(pool) ? `${shortNumber((100 * lost) / both)} % of its capacity` : lost;
  return `; where the cloud has no room to start first, at most ${down} down at once`;
}

/** Other machines may do with fewer replicas or need more: what they come to together, for whoever declared the numbers. */
function weightNote(pool: PlannedPool): string[] {
  const { name, from, to, weights } = pool;
  if (!weights || !isWeighted(pool) || from === 0 || to === 0) return [];
  const [was, is] = [weights.from / 100, weights.to / 100];
  const sizes = `${count(from, "replica")} of capacityWeight ${was} before, ${to} of ${is} after`;
  return [`${name}: ${sizes}: a capacity of ${shortNumber(from * was)}, then ${shortNumber(to * is)}`];
}

/** The waves go over capacity: of replicas there may be any number. */
function weightedNote(pool: string, lost: number): string {
  if (lost === 0) return `${pool}: never less than the smaller of both capacities`;
  if (lost === 1) return `${pool}: an outage, the replica that carries it all is down until its successors serve`;
  return `${pool}: at most ${shortNumber(100 * lost)} % of its capacity down at once`;
}

function holdNote(percent: number): string {
  if (percent > 0) return `holds at ${percent} % until \`canaryPercent\` is raised`;
  return "holds with one canary, which serves requests that name its version only, until `canaryPercent` is raised";
}

function capacityNote(pool: string, { replicas, down }: { replicas: number; down: number }, lost: number): string {
  if (down === 0) return `${pool}: never fewer than ${count(replicas, "replica")}`;
  if (down === replicas) return `${pool}: an outage, its only replica is down until its successor serves`;
  const share = shortNumber(100 * lost);
  return `${pool}: at most ${down} of ${count(replicas, "replica")} down at once, ${share} % of its capacity`;
}

function waitNotes({ bakeSeconds, gates }: Strategy, { states }: Path): string[] {
  const waits = count(states.filter(({ settled }) => settled).length, "settled state");
  const notes: string[] = [];
  if (bakeSeconds > 0) notes.push(`bakes ${secondsWords(bakeSeconds)} at each of ${waits}`);
  if (gates.length > 0) notes.push(`gates at each of ${waits}: ${gates.map(gateWords).join("; ")}`);
  return notes;
}

function gateWords(gate: Gate): string {
  switch (gate.kind) {
    case "errorRate": {
      const limits = [
        ...(gate.maxPercent === null ? [] : [`at most ${gate.maxPercent} %`]),
        ...(gate.maxAbovePrimary === null ? [] : [`at most ${gate.maxAbovePrimary} points above the primary's`]),
      ];
      return `error rate ${limits.join(" and ")}`;
    }
    case "p95":
    case "firstByteP95": {
      const limits = [
        ...(gate.maxMilliseconds === null ? [] : [`at most ${gate.maxMilliseconds} ms`]),
        ...(gate.maxTimesPrimary === null ? [] : [`at most ${gate.maxTimesPrimary} times the primary's`]),
      ];
      return `p95 ${gate.kind === "p95" ? "latency" : "time to first byte"} ${limits.join(" and ")}`;
    }
    case "command":
    case "webhook":
      return `a ${gate.kind}, within ${secondsWords(gate.timeoutSeconds)}`;
  }
}

/** All traffic at once on the primaries that are left: N/p times the usual load where the fewest of them are. */
function overloadNote(pools: readonly PlannedPool[], { states }: Path): string {
  let worst = { load: 1, percent: 0 };
  for (const { percent, pools: counts } of states) {
    for (const { name, from } of pools) {
      const { primary } = counts[name]!;
      if (primary > 0 && from > worst.load * primary) worst = { load: from / primary, percent };
    }
  }
  if (worst.load === 1) return "an immediate rollback would put no more than the usual load on each primary";
  const times = shortNumber(worst.load);
  return `an immediate rollback at ${worst.percent} % would put ${times} times the load on each primary`;
}

function shortNumber(value: number): string {
  return String(Number(value.toFixed(2)));
}

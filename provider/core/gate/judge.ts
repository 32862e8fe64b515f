import { VERSION_BOUNDS_MS, type VersionMetrics } from "../observed";
import type { Gate } from "../strategy";
import type { ExternalGate } from "./external";

export type MetricGate = Exclude<Gate, ExternalGate>;

/** What was counted of both versions of one pool. */
export interface GateWindow {
  canary: VersionMetrics;
  /** Null: there is no primary, so that nothing is compared. */
  primary: VersionMetrics | null;
}

/** A GateVerdict that also says which side kept it from a verdict and how many quarters of its sample are there. */
export type Judgement =
  | { kind: "passed" }
  | { kind: "failed"; reason: string }
  | { kind: "inconclusive"; reason: string; side: "canary" | "primary"; quarters: number };

/**
 * Judges one gate over one window. A limit counts as soon as the sample that it looks at is large enough, so a broken
 * canary fails by its absolute limit while the primary is still too quiet to compare with.
 */
export function judgeMetrics(gate: MetricGate, { canary, primary }: GateWindow): Judgement {
  const its = readingOf(gate, canary);
  if (its.sample < needed(gate)) return tooFew(gate, "canary", its.sample);
  const overLimit = exceeds(gate, its);
  if (overLimit !== null) return { kind: "failed", reason: overLimit };
  if (primary === null || !compares(gate)) return { kind: "passed" };
  const other = readingOf(gate, primary);
  if (other.sample < needed(gate)) return tooFew(gate, "primary", other.sample);
  const comparison = compare(gate, its, other);
  return comparison === null ? { kind: "passed" } : { kind: "failed", reason: comparison };
}

/**
 * The value that `percent` of the counted ones do not exceed, interpolated within its bucket. What lies above the last
 * bound counts as that bound. Null when nothing was counted.
 */
export function percentile(histogram: readonly number[], percent: number): number | null {
  const total = sum(histogram);
  if (total === 0) return null;
  const rank = (total * percent) / 100;
  let below = 0;
  for (const [bucket, counted] of histogram.entries()) {
    if (below + counted < rank || counted === 0) {
      below += counted;
      continue;
    }
    const from = VERSION_BOUNDS_MS[bucket - 1] ?? 0;
    const to = VERSION_BOUNDS_MS[bucket] ?? from;
    return from + ((to - from) * (rank - below)) / counted;
  }
  return VERSION_BOUNDS_MS.at(-1)!;
}

export function sum(histogram: readonly number[]): number {
  return histogram.reduce((total, counted) => total + counted, 0);
}

/** Percent of the requests that failed; null when there were none. */
export function errorPercent({ requests, errors }: VersionMetrics): number | null {
  return requests === 0 ? null : (100 * errors) / requests;
}

interface Reading {
  value: number;
  sample: number;
  /** Of the sample: what other replicas made good. */
  madeGood: number;
}

function readingOf({ kind }: MetricGate, metrics: VersionMetrics): Reading {
  switch (kind) {
    case "errorRate": {
      // A version that breaks every connection would look as if it was never asked: others answer for it.
      const madeGood = metrics.failedTries ?? 0;
      const tried = { ...metrics, requests: metrics.requests + madeGood, errors: metrics.errors + madeGood };
      return { value: errorPercent(tried) ?? 0, sample: tried.requests, madeGood };
    }
    case "p95":
      return { value: percentile(metrics.latency, 95) ?? 0, sample: sum(metrics.latency), madeGood: 0 };
    case "firstByteP95":
      return { value: percentile(metrics.timeToFirstByte, 95) ?? 0, sample: sum(metrics.timeToFirstByte), madeGood: 0 };
  }
}

/** Nothing can be said of no request at all. */
function needed({ minRequests }: MetricGate): number {
  return Math.max(1, minRequests);
}

function tooFew(gate: MetricGate, side: "canary" | "primary", sample: number): Judgement {
  const quarters = Math.floor((4 * sample) / needed(gate));
  return {
    kind: "inconclusive",
    reason: `only ${sample} of ${needed(gate)} requests of the ${side} seen`,
    side,
    quarters,
  };
}

/** Null: within its absolute limit, or it has none. */
function exceeds(gate: MetricGate, its: Reading): string | null {
  const most = gate.kind === "errorRate" ? gate.maxPercent : gate.maxMilliseconds;
  if (most === null || its.value <= most) return null;
  return `${describe(gate, its)}, at most ${most} ${gate.kind === "errorRate" ? "%" : "ms"} is allowed`;
}

function compares(gate: MetricGate): boolean {
  return gate.kind === "errorRate" ? gate.maxAbovePrimary !== null : gate.maxTimesPrimary !== null;
}

/** Null: within its limit, or nothing is compared. */
function compare(gate: MetricGate, its: Reading, primary: Reading): string | null {
  const is = describe(gate, its);
  switch (gate.kind) {
    case "errorRate": {
      const above = its.value - primary.value;
      if (gate.maxAbovePrimary === null || above <= gate.maxAbovePrimary) return null;
      return `${is}, ${short(above)} points above the primary's ${short(primary.value)} %; at most ${gate.maxAbovePrimary} above is allowed`;
    }
    case "p95":
    case "firstByteP95": {
      const times = its.value / primary.value;
      if (gate.maxTimesPrimary === null || times <= gate.maxTimesPrimary) return null;
      return `${is}, ${short(times)} times the primary's ${short(primary.value)} ms; at most ${gate.maxTimesPrimary} times is allowed`;
    }
  }
}

function describe({ kind }: MetricGate, { value, sample, madeGood }: Reading): string {
  switch (kind) {
    case "errorRate":
      return (
        `the canary failed ${short(value)} % of ${sample} requests` +
        (madeGood > 0 ? ` (${madeGood} of them were answered by other replicas, so that no client saw it)` : "")
      );
    case "p95":
      return `the canary's p95 latency is ${short(value)} ms over ${sample} requests`;
    case "firstByteP95":
      return `the canary's p95 time to first byte is ${short(value)} ms over ${sample} requests`;
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

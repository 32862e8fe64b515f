import type { Shape } from "../spec/shape";
import type { Load } from "./load";
import { wholeReplicas, type ScalingSpec } from "./spec";

/** How many replicas something asks for, and why, as the first half of a sentence. */
export interface Wish {
  replicas: number;
  reason: string;
}

/** Fewer replicas only where the slowness is less than this share of its target: near it each one less is one too few. */
const AMPLE = 0.5;

/** What the load asks for: each signal for itself, the largest wins. Null: nothing is measured that could ask. */
export function wishOf(scaling: ScalingSpec, load: Load, live: number, shapes: readonly Shape[]): Wish | null {
  const wishes = [
    scaling.targetQpsByShape === undefined ? byRate(scaling, load) : byRateOfEach(scaling, load, shapes),
    byRequests(scaling, load),
    bySlowness("p95 latency", scaling.targetLatencyP95Ms, load.latencyP95Ms, live),
    bySlowness("p95 time to first byte", scaling.targetTimeToFirstByteP95Ms, load.firstByteP95Ms, live),
  ].filter((wish) => wish !== null);
  if (wishes.length === 0) return null;
  const most = wishes.reduce((best, wish) => (wish.replicas > best.replicas ? wish : best));
  if (most.replicas > 0) return most;
  // A long stream is no arrival, and the replica that it runs on is needed all the same; so is it for requests that are
  // over before anybody counts what is in flight.
  if (load.busy > 0) return { replicas: 1, reason: `${requests(load.busy)} in flight or waiting` };
  if (load.qps > 0) return { replicas: 1, reason: `${short(load.qps)} requests/s over ${scaling.windowSeconds} s` };
  return most;
}

function byRate({ targetQpsPerReplica: target, windowSeconds }: ScalingSpec, { qps }: Load): Wish | null {
  if (target === null) return null;
  const reason = `${short(qps)} requests/s over ${windowSeconds} s at ${short(target)} a replica`;
  return { replicas: wholeReplicas(qps / target), reason };
}

/**
 * By what really runs: as many as carry the load whichever of them go, so the weakest are counted first. What is missing is
 * counted in the weakest machine that the pool takes, as nobody knows before which one the cloud gives.
 */
function byRateOfEach(
  { targetQpsPerReplica: weakest, targetQpsByShape, windowSeconds }: ScalingSpec,
  { qps }: Load,
  shapes: readonly Shape[],
): Wish {
  const each = shapes.map((shape) => targetQpsByShape![shape ?? ""] ?? weakest!).sort((a, b) => a - b);
  let [replicas, carried] = [0, 0];
  for (; replicas < each.length && carried < qps - 1e-9; replicas += 1) carried += each[replicas]!;
  const all = each.reduce((sum, one) => sum + one, 0);
  const reason = `${short(qps)} requests/s over ${windowSeconds} s at ${short(all)} for the ${each.length} replicas there are`;
  return { replicas: replicas + wholeReplicas(Math.max(0, qps - carried) / weakest!), reason };
}

function byRequests({ targetInFlightPerReplica: target, windowSeconds }: ScalingSpec, { meanBusy }: Load): Wish | null {
  if (target === null) return null;
  const reason = `${short(meanBusy)} requests in flight or waiting over ${windowSeconds} s at ${short(target)} a replica`;
  return { replicas: wholeReplicas(meanBusy / target), reason };
}

/**
 * Slowness says that there are too few, and not how many there should be: above its target it asks for more in
 * proportion, at most twice as many at once, and for one less only well below it.
 */
function bySlowness(what: string, target: number | null, is: number | null, live: number): Wish | null {
  if (target === null) return null;
  if (is === null) return { replicas: 0, reason: "no request was answered" };
  const reason = `a ${what} of ${short(is)} ms at a target of ${short(target)} ms`;
  if (is > target) return { replicas: wholeReplicas(live * Math.min(2, is / target)), reason };
  return { replicas: is < AMPLE * target ? Math.max(1, live - 1) : live, reason };
}

function requests(count: number): string {
  return count === 1 ? "1 request is" : `${count} requests are`;
}

export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

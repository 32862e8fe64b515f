import { decide } from "../../provider/core/decide";
import type { Intent } from "../../provider/core/intent";
import type { Observed, ObservedVm, ProbeReading } from "../../provider/core/observed";
import { planPath } from "../../provider/core/plan/path";
import type { State } from "../../provider/core/state";
import { surge } from "../core/strategies";
import { intentOf, poolSpec, redeclare } from "../simulation/intents";

const SIZES = [100, 1_000, 10_000];
const MANY_POOLS = 50;
const ROUNDS = 15;
const NOW = 1_700_000_000_000;
/** Well past `PROVEN_MS`, so that a steady tick is one in which nothing is left to note. */
const LATER_MS = 120_000;

interface Measured {
  replicas: number;
  planMs: number;
  steadyTickMs: number;
  rolloutTickMs: number;
}

/** How long one plan and one decision take, by the number of replicas: the median of several. */
export function benchCore(json: boolean): Promise<void> {
  measure(SIZES[0]!);
  const measured = SIZES.map(measure);
  const manyPools = measureManyPools();
  if (json) {
    process.stdout.write(`${JSON.stringify({ targets: { planMs: 10, tickMs: 50 }, measured, manyPools })}\n`);
    return Promise.resolve();
  }
  process.stdout.write("replicas   plan ms   tick at rest ms   tick in a rollout ms\n");
  for (const { replicas, planMs, steadyTickMs, rolloutTickMs } of measured) {
    const columns = [
      planMs.toFixed(3).padStart(9),
      steadyTickMs.toFixed(2).padStart(17),
      rolloutTickMs.toFixed(2).padStart(22),
    ];
    process.stdout.write(`${String(replicas).padStart(8)} ${columns.join(" ")}\n`);
  }
  const { pools, states, planMs } = manyPools;
  process.stdout.write(`plan of ${pools} pools at 1 %: ${planMs.toFixed(1)} ms, ${states} states\n`);
  return Promise.resolve();
}

function measure(replicas: number): Measured {
  const before = intentOf([poolSpec("p", "a", replicas)]);
  const serving = settle(before, null);
  const after = structuredClone(before);
  redeclare(after, [poolSpec("p", "b", replicas)]);
  const moving = settle(after, serving, (state) => (state.rollout?.cursor ?? 0) >= 5);
  return {
    replicas,
    planMs: median(() => planPath(surge(1), [{ name: "p", from: replicas, to: replicas }])),
    steadyTickMs: median(tickOf(before, serving)),
    rolloutTickMs: median(tickOf(after, moving)),
  };
}

/** The longest plan that a service can ask for: pools of every size, one percent at a time, each in its turn. */
function measureManyPools(): { pools: number; states: number; planMs: number } {
  const pools = Array.from({ length: MANY_POOLS }, (_, index) => ({
    name: `p${index}`,
    from: 1 + 7 * index,
    to: 1 + 7 * index,
  }));
  const plan = () => planPath(surge(1), pools);
  return { pools: MANY_POOLS, states: plan().states.length, planMs: median(plan) };
}

/** Ticks in a world that does at once what it is told, until the condition holds, or nothing changes any more. */
function settle(intent: Intent, from: State | null, isReached?: (state: State) => boolean): State {
  let state = from ?? decide(intent, 1, null, lookAt(null, 0), NOW, 1).state;
  for (let round = 0; round < 100; round += 1) {
    const next = tick(intent, state).state;
    if (isReached?.(next) ?? Object.values(next.replicas).every(({ status }) => status === "ready")) return next;
    state = next;
  }
  throw new Error("the world of the bench does not arrive");
}

function tick(intent: Intent, state: State): { state: State } {
  return decide(intent, 2, state, lookAt(state, state.routing.generation), NOW + LATER_MS, 1);
}

/** What is seen is not part of what is measured. */
function tickOf(intent: Intent, state: State): () => unknown {
  const observed = lookAt(state, state.routing.generation);
  return () => decide(intent, 2, state, observed, NOW + LATER_MS, 1);
}

function lookAt(state: State | null, generation: number): Observed {
  const known = Object.values(state?.replicas ?? {});
  const probe: ProbeReading = { consecutiveSuccesses: 5, consecutiveFailures: 0, passingSince: NOW, lastError: null };
  const vms = known
    .filter(({ status }) => status !== "terminating")
    .map(({ id, restarts }, index): ObservedVm => {
      const address = { host: "127.0.0.1", port: 10_000 + (index % 50_000) };
      return { replicaId: id, state: "running", address, zone: "a", market: "onDemand", exit: null, restarts };
    });
  const idle = known.map(({ id }) => [id, { inFlight: 0, queued: 0, healthy: true }] as const);
  return {
    vms,
    probes: Object.fromEntries(known.map(({ id }) => [id, probe])),
    dataplane: { generation, replicas: Object.fromEntries(idle), versions: {} },
    launchErrors: [],
    reconfigured: {},
    gateAnswers: {},
  };
}

function median(work: () => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

import { readFileSync } from "node:fs";
import { MICROS_A_TICK, processorTime } from "../process";
import type { Contender } from "./contender";
import type { Workload } from "./workloads";

export interface Slice {
  perSecond: number;
  failed: number;
  p50Ms: number | null;
  p99Ms: number | null;
  firstByteP50Ms: number | null;
  /** Processor time of the contender per request or event. */
  cpuMicrosPerUnit: number | null;
  /** Processes that are not the bench's took so much of the computer that the slice says little. */
  disturbed: boolean;
}

/** Cores that others may use meanwhile. */
const FOREIGN_CORES = 0.12;
const TRIES = 4;

/** One slice of load; again while others use the computer, a few times. */
export async function undisturbedSlice(
  contender: Contender,
  workload: Workload,
  ours: readonly number[],
): Promise<Slice> {
  let taken = await slice(contender, workload, ours);
  for (let tries = 1; taken.disturbed && tries < TRIES; tries += 1) taken = await slice(contender, workload, ours);
  return taken;
}

export async function slice(contender: Contender, workload: Workload, ours: readonly number[]): Promise<Slice> {
  const { clients, milliseconds, load } = workload;
  const usedBy = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + (processorTime(pid) ?? 0), 0);
  const before = { ours: usedBy(ours), contender: usedBy(contender.pids ?? []), all: computerTime() };
  const said = await load.run(contender.port, clients, milliseconds);
  const cpuMicros = usedBy(contender.pids ?? []) - before.contender;
  const all = computerTime();
  const foreign = all.busy - before.all.busy - (usedBy(ours) - before.ours) - said.cpuMicros;
  return {
    perSecond: said.units / (said.seconds ?? milliseconds / 1000),
    failed: said.failed,
    p50Ms: said.p50Ms,
    p99Ms: said.p99Ms ?? null,
    firstByteP50Ms: said.firstByteP50Ms ?? null,
    cpuMicrosPerUnit: contender.pids === null || said.units === 0 ? null : cpuMicros / said.units,
    disturbed: contender.pids !== null && foreign / (all.clock - before.all.clock) > FOREIGN_CORES,
  };
}

/** Microseconds: what all processes together have used, and the clock. */
function computerTime(): { busy: number; clock: number } {
  const [user, nice, system] = /^cpu +(\d+) (\d+) (\d+)/m
    .exec(readFileSync("/proc/stat", "utf8"))!
    .slice(1)
    .map(Number);
  return { busy: (user! + nice! + system!) * MICROS_A_TICK, clock: performance.now() * 1000 };
}

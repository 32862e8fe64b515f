import { loadavg } from "node:os";
import type { Measured } from "./measured";
import { WORKLOADS, type Workload } from "./workloads";

export function printJson(measured: Measured): void {
  const workloads = Object.fromEntries(WORKLOADS.map((workload) => [workload.name, figuresOf(measured, workload)]));
  const result = {
    ratioToUndici: round(measured.ratio("get", "undici", "perSecond"), 3),
    ratioToHaproxy: round(measured.ratio("get", "haproxy", "perSecond"), 3),
    workloads,
    leftOut: measured.leftOut,
    disturbedSlices: measured.disturbed(),
    // All of the computer's processes together; far above the number of cores, requests a second say little.
    loadAverage: round(loadavg()[0]!, 1),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function printTables(measured: Measured): void {
  for (const workload of WORKLOADS) {
    process.stdout.write(`\n${workload.what}\n`);
    console.table(figuresOf(measured, workload));
  }
  process.stdout.write(`slices that others disturbed: ${measured.disturbed()}\n`);
}

/** By contender: its medians, and ours in its terms. */
function figuresOf(
  measured: Measured,
  { name: workload, unit }: Workload,
): Record<string, Record<string, number | null>> {
  const direct = measured.median(workload, "direct", "p50Ms") ?? 0;
  const added = (name: string) => {
    const p50 = measured.median(workload, name, "p50Ms");
    return p50 === null ? null : p50 - direct;
  };
  const figures = measured.contenders(workload).map((name) => {
    const [ours, theirs] = [added("embedded"), added(name)];
    const row: Record<string, number | null> = {
      [`${unit}sPerSecond`]: round(measured.median(workload, name, "perSecond"), 1),
      p50Ms: round(measured.median(workload, name, "p50Ms"), 3),
      [`cpuMicrosPer${unit === "event" ? "Event" : "Request"}`]: round(
        measured.median(workload, name, "cpuMicrosPerUnit"),
        1,
      ),
      failed: measured.failed(workload, name),
      embeddedToIt: round(measured.ratio(workload, name, "perSecond"), 3),
      // Steadier than requests a second, because it does not depend on what else runs; below 1 is less than theirs.
      embeddedCpuToIts: round(measured.ratio(workload, name, "cpuMicrosPerUnit"), 3),
      embeddedAddedP50ToIts: theirs === null || theirs <= 0 ? null : round(ours! / theirs, 2),
    };
    if (unit === "event") {
      row["p99Ms"] = round(measured.median(workload, name, "p99Ms"), 2);
      row["firstByteP50Ms"] = round(measured.median(workload, name, "firstByteP50Ms"), 2);
    }
    return [name, row] as const;
  });
  return Object.fromEntries(figures);
}

function round(value: number | null, digits: number): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toFixed(digits));
}

import { loadavg } from "node:os";
import type { WorkloadName } from "./contender";
import type { Measured } from "./measured";
import { WORKLOADS, type Workload } from "./workloads";

/** What the embedded engine has to reach: `least` or `most` of one figure in terms of one other contender's. */
const BARS: readonly {
  figure: string;
  workload: WorkloadName;
  other: string;
  of: "embeddedToIt" | "embeddedCpuToIts" | "embeddedAddedP50ToIts";
  least?: number;
  most?: number;
}[] = [
  { figure: "GET, of HAProxy", workload: "get", other: "haproxy", of: "embeddedToIt", least: 0.7 },
  { figure: "POST, of HAProxy", workload: "post", other: "haproxy", of: "embeddedToIt", least: 0.55 },
  { figure: "added p50, to HAProxy's", workload: "latency", other: "haproxy", of: "embeddedAddedP50ToIts", most: 1.6 },
  { figure: "CPU an event of 200", workload: "streams200", other: "haproxy", of: "embeddedCpuToIts", most: 1.7 },
  { figure: "CPU an event of 600", workload: "streams600", other: "haproxy", of: "embeddedCpuToIts", most: 1.7 },
  { figure: "GET, to SkyServe's", workload: "get", other: "skyserve", of: "embeddedToIt", least: 90 },
];

export function printJson(measured: Measured): void {
  const workloads = Object.fromEntries(WORKLOADS.map((workload) => [workload.name, figuresOf(measured, workload)]));
  const result = {
    ratioToUndici: round(measured.ratio("get", "undici", "perSecond"), 3),
    ratioToHaproxy: round(measured.ratio("get", "haproxy", "perSecond"), 3),
    bars: barsOf(workloads),
    workloads,
    madeOf: measured.madeOf,
    leftOut: measured.leftOut,
    disturbedSlices: measured.disturbed(),
    // All of the computer's processes together; far above the number of cores, requests a second say little.
    loadAverage: round(loadavg()[0]!, 1),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function printTables(measured: Measured): void {
  for (const workload of WORKLOADS) {
    const { clients, backends } = measured.madeOf[workload.name]!;
    process.stdout.write(`\n${workload.what}; clients: ${clients}, replicas: ${backends}\n`);
    console.table(figuresOf(measured, workload));
  }
  const figures = WORKLOADS.map((workload) => [workload.name, figuresOf(measured, workload)] as const);
  console.table(barsOf(Object.fromEntries(figures)));
  process.stdout.write(`slices that others disturbed: ${measured.disturbed()}\n`);
}

function barsOf(workloads: Record<string, Record<string, Row>>) {
  return BARS.map(({ figure, workload, other, of, least, most }) => {
    const reached = workloads[workload]?.[other]?.[of] ?? null;
    const well = reached === null ? null : reached >= (least ?? -Infinity) && reached <= (most ?? Infinity);
    return { figure, least: least ?? null, most: most ?? null, reached, well };
  });
}

type Row = Record<string, number | null>;

/** By contender: its medians, and ours in its terms. */
function figuresOf(measured: Measured, { name: workload, unit }: Workload): Record<string, Row> {
  const direct = measured.median(workload, "direct", "p50Ms") ?? 0;
  const added = (name: string) => {
    const p50 = measured.median(workload, name, "p50Ms");
    return p50 === null ? null : p50 - direct;
  };
  const figures = measured.contenders(workload).map((name) => {
    const [ours, theirs] = [added("embedded"), added(name)];
    const row: Row = {
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

import { z } from "zod";
import { ServeError } from "../errors";

/** What several zones had to give over the same period, tick by tick. */
export interface TraceSet {
  gapSeconds: number;
  zones: readonly TraceZone[];
  /** Length that all zones have: the common prefix. */
  ticks: number;
}

export interface TraceZone {
  zone: string;
  region: string;
  /** Spot VMs that could run, per tick. */
  capacity: readonly number[];
}

export interface TraceFile {
  name: string;
  text: string;
}

const format = z.object({
  metadata: z.object({ gap_seconds: z.number().positive() }),
  data: z.array(z.number()).min(1),
});

/** Reads one folder of traces, each file a zone whose name begins with it: `us-west-2a_v100_1.json`. */
export function traceSet(folder: string, files: readonly TraceFile[]): TraceSet {
  const [first, ...others] = [...files].sort((a, b) => (a.name < b.name ? -1 : 1)).map(read);
  if (first === undefined) throw refusal(`${folder} holds no traces: it must have a .json file for each zone.`);
  for (const { name, gapSeconds, zone } of others) {
    if (gapSeconds !== first.gapSeconds) {
      throw refusal(
        `${name}: metadata.gap_seconds is ${gapSeconds}, but ${first.gapSeconds} in ${first.name}: the zones of one folder must share one clock.`,
      );
    }
    const same = [first, ...others].find((other) => other.zone === zone && other.name !== name);
    if (same !== undefined) throw refusal(`${name}: ${same.name} is the same zone (${zone}) too.`);
  }
  const zones = [first, ...others].map(({ zone, region, capacity }) => ({ zone, region, capacity }));
  return { gapSeconds: first.gapSeconds, zones, ticks: Math.min(...zones.map(({ capacity }) => capacity.length)) };
}

function read({ name, text }: TraceFile): TraceZone & { name: string; gapSeconds: number } {
  const { metadata, data } = parse(name, text);
  const bad = data.findIndex((count) => !Number.isInteger(count) || count < 0);
  if (bad !== -1)
    throw refusal(`${name}: data[${bad}] is ${data[bad]}: a count of VMs must be a whole number from 0 on.`);
  const zone = name.replace(/\.json$/, "").split("_")[0]!;
  return { name, zone, region: regionOf(zone), gapSeconds: metadata.gap_seconds, capacity: data };
}

function parse(name: string, text: string): z.output<typeof format> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw refusal(`${name} is no JSON.`);
  }
  const result = format.safeParse(given);
  if (result.success) return result.data;
  const field = result.error.issues[0]!.path.join(".");
  throw refusal(
    `${name}: ${field === "" ? "the file" : field} is not as a trace has it: { "metadata": { "gap_seconds": 300 }, "data": [4, 4, 3, ...] }.`,
  );
}

/** "us-west-2a" and "us-west1-b" lie in "us-west-2" and "us-west1"; another name is a region of its own. */
function regionOf(zone: string): string {
  return /^(.*\d)-?[a-z]$/.exec(zone)?.[1] ?? zone;
}

function refusal(reason: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [reason] });
}

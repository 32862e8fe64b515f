import type { DesiredRouting } from "../../core/routing";
import { ROOM, SLOTS } from "./names";
import { noSlots, pinsOf, splitOf, type Slots } from "./pool-maps";
import type { Runtime } from "./runtime";

/** By pool its split, and by pool and role or revision the backend. */
export interface Maps {
  split: Map<string, string>;
  pins: Map<string, string>;
}

export interface MapFiles {
  splitMap: string;
  pinsMap: string;
}

/** `split` is what is in force: a counter goes on where its ratio stays. */
export function mapsOf(desired: DesiredRouting, slots: readonly Slots[], split: Maps["split"]): Maps {
  const maps: Maps = { split: new Map(), pins: new Map() };
  desired.routes.forEach((route, pool) => {
    for (const [key, backend] of pinsOf(pool, slots[pool]!, route)) maps.pins.set(key, backend);
    const key = `p${pool}`;
    const entry = splitOf(pool, route);
    const held = split.get(key);
    const turn = Number(/^p\d+\.(\d+):/.exec(held ?? "")?.[1] ?? 0);
    maps.split.set(key, held?.endsWith(`:${entry.ratio}`) ? held : entry.value(turn + 1));
  });
  return maps;
}

/** The maps with everything that leads to one of these backends led to the waiting room. */
export function aroundBackends(maps: Maps, backends: ReadonlySet<string>): Maps {
  const pins = [...maps.pins].map(([key, backend]) => [key, backends.has(backend) ? ROOM : backend] as const);
  return { split: maps.split, pins: new Map(pins) };
}

export function renderMap(map: ReadonlyMap<string, string>): string {
  return [...map].map(([key, value]) => `${key} ${value}\n`).join("");
}

export async function readMaps(runtime: Runtime, files: MapFiles): Promise<Maps> {
  return { split: await readMap(runtime, files.splitMap), pins: await readMap(runtime, files.pinsMap) };
}

/** New pins before the split that leads to them, old ones after it: at no moment does a role lead nowhere. */
export async function putMaps(runtime: Runtime, files: MapFiles, wanted: Maps): Promise<void> {
  const { split, pins } = await readMaps(runtime, files);
  await putEntries(runtime, files.pinsMap, pins, wanted.pins);
  await putEntries(runtime, files.splitMap, split, wanted.split);
  for (const key of pins.keys()) if (!wanted.pins.has(key)) await runtime.order(`del map ${files.pinsMap} ${key}`);
}

/** Which revision each backend holds by the pins of a process that was started by a predecessor of ours. */
export function slotsOf(pins: Maps["pins"], pools: number): Slots[] {
  const slots = Array.from({ length: pools }, () => noSlots());
  for (const [key, backend] of pins) {
    const [pool, asked] = key.split("/");
    const slot = SLOTS.find((each) => backend === `${pool}${each}`);
    if (asked === "primary" || asked === "canary" || slot === undefined) continue;
    const of = slots[Number(pool!.slice(1))];
    if (of !== undefined) of[slot] = asked!;
  }
  return slots;
}

async function putEntries(
  runtime: Runtime,
  file: string,
  present: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [key, value] of wanted) {
    const held = present.get(key);
    if (held === undefined) await runtime.order(`add map ${file} ${key} ${value}`);
    else if (held !== value) await runtime.order(`set map ${file} ${key} ${value}`);
  }
}

async function readMap(runtime: Runtime, file: string): Promise<Map<string, string>> {
  const answer = await runtime.ask(`show map ${file}`);
  const entries = [...answer.matchAll(/^0x[0-9a-f]+ (\S+) (\S+)$/gm)];
  return new Map(entries.map(([, key, value]) => [key!, value!]));
}

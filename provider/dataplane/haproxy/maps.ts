import type { DesiredRouting } from "../../core/routing";
import { keepersOf } from "./keepers";
import { membershipOf } from "./membership";
import { ROOM, SLOTS } from "./names";
import { noSlots, pinsOf, splitOf, type Slots } from "./pool-maps";
import type { Runtime } from "./runtime";

/** By pool its split, by pool and role or revision the backend, and by backend and bucket of keys the replica. */
export interface Maps {
  split: Map<string, string>;
  pins: Map<string, string>;
  /** And by backend and replica what it carries. Empty without affinity. */
  keepers: Map<string, string>;
}

export interface MapFiles {
  splitMap: string;
  pinsMap: string;
  keepersMap: string;
}

/** One after the other, a thousand would take their time; a line must fit the smallest buffer. */
const COMMANDS_AT_ONCE = 50;

/** `split` is what is in force: a counter goes on where its ratio stays. Weights of `desired` are what machines carry. */
export function mapsOf(desired: DesiredRouting, slots: readonly Slots[], split: Maps["split"]): Maps {
  const keyed = desired.balancer.affinity !== undefined;
  const keepers = keyed ? keepersOf(membershipOf(desired, slots)) : new Map<string, string>();
  const maps: Maps = { split: new Map(), pins: new Map(), keepers };
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
  return { ...maps, pins: new Map(pins) };
}

export function renderMap(map: ReadonlyMap<string, string>): string {
  return [...map].map(([key, value]) => `${key} ${value}\n`).join("");
}

export async function readMaps(runtime: Runtime, files: MapFiles): Promise<Pick<Maps, "split" | "pins">> {
  return { split: await readMap(runtime, files.splitMap), pins: await readMap(runtime, files.pinsMap) };
}

/** New pins before the split that leads to them, old ones after it: at no moment does a role lead nowhere. */
export async function putMaps(runtime: Runtime, files: MapFiles, wanted: Maps): Promise<void> {
  const { split, pins } = await readMaps(runtime, files);
  // A process that was started without affinity has no such map, and needs none.
  if (await hasMap(runtime, files.keepersMap)) {
    const keepers = await readMap(runtime, files.keepersMap);
    await orderAll(runtime, [
      ...changes(files.keepersMap, keepers, wanted.keepers),
      ...removals(files.keepersMap, keepers, wanted.keepers),
    ]);
  }
  await orderAll(runtime, changes(files.pinsMap, pins, wanted.pins));
  await orderAll(runtime, changes(files.splitMap, split, wanted.split));
  await orderAll(runtime, removals(files.pinsMap, pins, wanted.pins));
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

type Entries = ReadonlyMap<string, string>;

function changes(file: string, present: Entries, wanted: Entries): string[] {
  return [...wanted].flatMap(([key, value]) => {
    const held = present.get(key);
    if (held === value) return [];
    return held === undefined ? `add map ${file} ${key} ${value}` : `set map ${file} ${key} ${value}`;
  });
}

function removals(file: string, present: Entries, wanted: Entries): string[] {
  return [...present.keys()].flatMap((key) => (wanted.has(key) ? [] : `del map ${file} ${key}`));
}

async function orderAll(runtime: Runtime, commands: readonly string[]): Promise<void> {
  for (let at = 0; at < commands.length; at += COMMANDS_AT_ONCE)
    await runtime.order(commands.slice(at, at + COMMANDS_AT_ONCE).join(";"));
}

async function hasMap(runtime: Runtime, file: string): Promise<boolean> {
  return (await runtime.ask("show map")).includes(`(${file})`);
}

async function readMap(runtime: Runtime, file: string): Promise<Map<string, string>> {
  const answer = await runtime.ask(`show map ${file}`);
  const entries = [...answer.matchAll(/^0x[0-9a-f]+ (\S+) (\S+)$/gm)];
  return new Map(entries.map(([, key, value]) => [key!, value!]));
}

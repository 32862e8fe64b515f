import type { DesiredRoute } from "../../core/routing";
import type { Revision } from "../../core/spec/pool";
import { splitWindow } from "../split-window";
import { backendName, SLOTS, type Slot } from "./names";

/** Which revision the two backends of a pool hold; null: nobody's. */
export type Slots = Record<Slot, Revision | null>;

export function noSlots(): Slots {
  return { a: null, b: null };
}

/** A revision keeps its backend for as long as it is routed, whatever its role: a promotion moves no replica. */
export function assignSlots(before: Slots, route: DesiredRoute): Slots {
  const wanted = [route.primary, route.canary].flatMap((version) => (version === null ? [] : [version.revision]));
  const slots = noSlots();
  for (const slot of SLOTS) {
    const held = before[slot];
    if (held !== null && wanted.includes(held)) slots[slot] = held;
  }
  for (const revision of wanted) {
    if (slots.a === revision || slots.b === revision) continue;
    // Rather the backend that nobody held: the replicas that leave the other one may still be draining there.
    const free = SLOTS.filter((slot) => slots[slot] === null);
    slots[free.find((slot) => before[slot] === null) ?? free[0]!] = revision;
  }
  return slots;
}

/** What a request may ask for in its version header, and the two roles, to the backend: the pins of one pool. */
export function pinsOf(pool: number, slots: Slots, route: DesiredRoute): Map<string, string> {
  const pins = new Map<string, string>();
  const slotOf = (revision: Revision): Slot => (slots.a === revision ? "a" : "b");
  for (const role of ["canary", "primary"] as const) {
    const version = route[role];
    if (version === null) continue;
    const backend = backendName(pool, slotOf(version.revision));
    pins.set(`p${pool}/${role}`, backend);
    pins.set(`p${pool}/${version.revision}`, backend);
  }
  return pins;
}

/**
 * How a pool splits, as one value, so that no request ever sees half a change: the name of its counter, the window, and
 * whether the other version may take over. The name is new with each ratio: its counter begins at 0, so that the window is
 * whole.
 */
export interface SplitEntry {
  ratio: string;
  value(turn: number): string;
}

export function splitOf(pool: number, route: DesiredRoute): SplitEntry {
  const weights = { canary: route.canary?.weight ?? 0, primary: route.primary?.weight ?? 0 };
  const { canary, total, step } = splitWindow(weights);
  const mixed = canary > 0 && canary < total ? 1 : 0;
  const ratio = `${canary}:${total}:${step}:${mixed}`;
  return { ratio, value: (turn) => `p${pool}.${turn}:${ratio}` };
}

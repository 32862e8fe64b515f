import type { Clock } from "../ports/clock";

/** The wall clock of this computer. */
export const systemClock: Clock = { now: () => Date.now() };

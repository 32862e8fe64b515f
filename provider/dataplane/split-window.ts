import { commonDivisor } from "../core/common-divisor";

/** `canary` of every `total` first attempts; a position that moves on by `step` meets each place of the window once. */
export interface SplitWindow {
  canary: number;
  total: number;
  step: number;
}

/**
 * How the turns of two weights lie in a window: steps of about the golden section, coprime to its length, spread them
 * evenly. No randomness: a 1 % canary gets 1 of 100, not 0 to 4. Both engines split by it, so that they agree.
 */
export function splitWindow(weights: { canary: number; primary: number }): SplitWindow {
  const divisor = commonDivisor(weights.canary, weights.primary) || 1;
  const canary = weights.canary / divisor;
  const total = canary + weights.primary / divisor;
  return { canary, total, step: coprimeNear(Math.round(total * 0.618), total) };
}

function coprimeNear(start: number, total: number): number {
  for (let step = Math.max(1, start); step < total; step += 1) {
    if (commonDivisor(step, total) === 1) return step;
  }
  return 1;
}

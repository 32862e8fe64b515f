export type Role = "primary" | "canary";

/**
 * Which version gets the next first attempt. Every aligned window of `canary + primary` ticks holds exactly `canary` turns
 * of the canary: a position walks the window in steps that are coprime to its length, so that it meets each place once, and
 * steps of about the golden section spread the turns evenly. No randomness: a 1 % canary gets 1 of 100, not 0 to 4.
 */
export class Split {
  private canary = 0;
  private total = 0;
  private step = 1;
  private position = 0;

  /** Starts a new window, but only if the ratio changes: applying the same weights again must not bend the split. */
  set(weights: { canary: number; primary: number }): void {
    const divisor = greatestCommonDivisor(weights.canary, weights.primary) || 1;
    const canary = weights.canary / divisor;
    const total = canary + weights.primary / divisor;
    if (canary === this.canary && total === this.total) return;
    this.canary = canary;
    this.total = total;
    this.step = coprimeNear(Math.round(total * 0.618), total);
    this.position = 0;
  }

  /** Null when no version takes requests without a version header. */
  peek(): Role | null {
    if (this.total === 0) return null;
    return this.position < this.canary ? "canary" : "primary";
  }

  tick(): void {
    if (this.total > 0) this.position = (this.position + this.step) % this.total;
  }
}

function coprimeNear(start: number, total: number): number {
  for (let step = Math.max(1, start); step < total; step += 1) {
    if (greatestCommonDivisor(step, total) === 1) return step;
  }
  return 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** Looks follow each other every moment: a longer gap between two of them is a computer that slept. */
const LONGEST_GAP_MS = 10_000;

/** How long somebody waits: only time that he spent waiting counts, and none in which what he waits for has its own clocks. */
export class Patience {
  private leftMs: number;
  private lookedAt: number;

  constructor(seconds: number, now: number) {
    this.leftMs = seconds * 1000;
    this.lookedAt = now;
  }

  /** At each look. True: it is over. */
  isOver(now: number, waitsFor: "silence" | "ownClock"): boolean {
    const passed = Math.min(LONGEST_GAP_MS, Math.max(0, now - this.lookedAt));
    this.lookedAt = now;
    if (waitsFor === "silence") this.leftMs -= passed;
    return this.leftMs <= 0;
  }
}

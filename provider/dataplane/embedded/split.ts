import { splitWindow, type SplitWindow } from "../split-window";

export type Role = "primary" | "canary";

/** Which version gets the next first attempt: exactly `canary` of every aligned window of `canary + primary` ticks. */
export class Split {
  private window: SplitWindow = { canary: 0, total: 0, step: 1 };
  private position = 0;

  /** Starts a new window, but only if the ratio changes: applying the same weights again must not bend the split. */
  set(weights: { canary: number; primary: number }): void {
    const window = splitWindow(weights);
    if (window.canary === this.window.canary && window.total === this.window.total) return;
    this.window = window;
    this.position = 0;
  }

  /** Null when no version takes requests without a version header. */
  peek(): Role | null {
    if (this.window.total === 0) return null;
    return this.position < this.window.canary ? "canary" : "primary";
  }

  tick(): void {
    const { total, step } = this.window;
    if (total > 0) this.position = (this.position + step) % total;
  }
}

import type { Intent } from "../../core/intent";
import type { RollbackMode, Strategy } from "../../core/strategy";

export const MODES = ["safe", "immediate", "gradual"] as const;

/** As the command line has it; nothing given: the way that the strategy says. */
export interface ModeOptions {
  mode?: (typeof MODES)[number];
  maxSurgePercent?: number;
  yes?: true;
}

const DEFAULT_SURGE = 25;

/** Null: the strategy decides. A text is a refusal. */
export function modeOf({ mode, maxSurgePercent }: ModeOptions, { rollout }: Intent): RollbackMode | null | string {
  if (maxSurgePercent !== undefined && mode !== "gradual") {
    return "--max-surge-percent is for a gradual rollback: add `--mode gradual`, or leave it out.";
  }
  switch (mode) {
    case undefined:
      return null;
    case "safe":
    case "immediate":
      return { mode };
    case "gradual": {
      const percent = maxSurgePercent ?? surgeOf(rollout?.strategy);
      if (percent < 1 || percent > 100) return "--max-surge-percent must be a whole number from 1 to 100.";
      return { mode, maxSurgePercent: percent };
    }
  }
}

/** A gradual rollback goes by the program's own step, where it has one. */
function surgeOf(strategy: Strategy | undefined): number {
  if (strategy?.rollback.mode === "gradual") return strategy.rollback.maxSurgePercent;
  return strategy?.kind === "surge" ? strategy.maxSurgePercent : DEFAULT_SURGE;
}

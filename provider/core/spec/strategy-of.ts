import { DEFAULT_SURGE_PERCENT, type Gate, type RollbackMode, type Strategy, type StrategyCommon } from "../strategy";
import { secondsOf } from "./duration";
import type { StrategyInput } from "./strategy-input";

/** The strategy that the controller works by: every default filled in, every duration in seconds. */
export function strategyOf(input: StrategyInput): Strategy {
  const { timeoutSeconds, stepTimeoutSeconds, capacityWaitSeconds, bakeSeconds, gates, keepRevisions } = input;
  const common: StrategyCommon = {
    timeoutSeconds: secondsOf(timeoutSeconds),
    stepTimeoutSeconds: stepTimeoutSeconds === undefined ? null : secondsOf(stepTimeoutSeconds),
    capacityWaitSeconds: secondsOf(capacityWaitSeconds),
    bakeSeconds: secondsOf(bakeSeconds),
    gates: gates.map(gateOf),
    rollback: rollbackOf(input),
    keepRevisions,
  };
  switch (input.kind) {
    case "surge": {
      const { kind, maxSurgePercent, canaryPercent = null } = input;
      return { ...common, kind, maxSurgePercent, canaryPercent };
    }
    case "blueGreen":
      return { ...common, kind: input.kind };
    case "rolling": {
      const { kind, maxUnavailablePercent, order, allowOutage } = input;
      return { ...common, kind, maxUnavailablePercent, order, allowOutage };
    }
    case "inPlace": {
      const { kind, maxUnavailablePercent, allowOutage } = input;
      return { ...common, kind, maxUnavailablePercent, allowOutage };
    }
  }
}

function gateOf(input: StrategyInput["gates"][number]): Gate {
  switch (input.kind) {
    case "errorRate": {
      const { kind, maxPercent = null, maxAbovePrimary = null, minRequests } = input;
      return { kind, maxPercent, maxAbovePrimary, minRequests };
    }
    case "p95":
    case "firstByteP95": {
      const { kind, maxMilliseconds = null, maxTimesPrimary = null, minRequests } = input;
      return { kind, maxMilliseconds, maxTimesPrimary, minRequests };
    }
    case "command":
      return { kind: input.kind, run: input.run, timeoutSeconds: secondsOf(input.timeoutSeconds) };
    case "webhook":
      return { kind: input.kind, url: input.url, timeoutSeconds: secondsOf(input.timeoutSeconds) };
  }
}

function rollbackOf(input: StrategyInput): RollbackMode {
  const { rollback } = input;
  if (rollback === undefined) return { mode: "safe" };
  if (rollback.mode !== "gradual") return { mode: rollback.mode };
  const own = input.kind === "surge" ? input.maxSurgePercent : DEFAULT_SURGE_PERCENT;
  return { mode: "gradual", maxSurgePercent: rollback.maxSurgePercent ?? own };
}

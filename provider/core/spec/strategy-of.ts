import { digest } from "../digest";
import type { ExternalGate, GateContent } from "../gate/external";
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

type ExternalInput = Extract<StrategyInput["gates"][number], { kind: "command" | "webhook" }>;

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
    case "webhook":
      return externalGate(input);
  }
}

function externalGate(input: ExternalInput): ExternalGate {
  const content = contentOf(input);
  return {
    kind: content.kind,
    secret: `gate-${digest(content)}`,
    timeoutSeconds: secondsOf(input.timeoutSeconds),
  };
}

function contentOf(input: ExternalInput): GateContent {
  switch (input.kind) {
    case "command":
      return { kind: input.kind, run: input.run, env: input.env ?? {} };
    case "webhook":
      return { kind: input.kind, url: input.url, headers: input.headers ?? {} };
  }
}

/** What goes into the store's secrets, by the names that the strategy has for it. */
export function gateContents({ gates }: StrategyInput): Map<string, GateContent> {
  return new Map(gates.filter(isExternal).map((gate) => [externalGate(gate).secret, contentOf(gate)]));
}

/** A declared strategy as it may be shown: names stand for what may be secret. Again of what it gave, it changes nothing. */
export function withoutContents(strategy: unknown): unknown {
  const gates = (strategy as Partial<StrategyInput> | null | undefined)?.gates;
  if (!Array.isArray(gates)) return strategy;
  return { ...(strategy as StrategyInput), gates: gates.map((gate) => (isExternal(gate) ? externalGate(gate) : gate)) };
}

function isExternal(gate: StrategyInput["gates"][number]): gate is ExternalInput {
  return (gate.kind === "command" && "run" in gate) || (gate.kind === "webhook" && "url" in gate);
}

function rollbackOf(input: StrategyInput): RollbackMode {
  const { rollback } = input;
  if (rollback === undefined) return { mode: "safe" };
  if (rollback.mode !== "gradual") return { mode: rollback.mode };
  const own = input.kind === "surge" ? input.maxSurgePercent : DEFAULT_SURGE_PERCENT;
  return { mode: "gradual", maxSurgePercent: rollback.maxSurgePercent ?? own };
}

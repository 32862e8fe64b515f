import { realEdge } from "./handlers/edge";
import { watchEngine } from "./handlers/engine-watch";
import type { Handler } from "./handlers/handler";
import { replicaPoolHandler } from "./handlers/replica-pool";
import { rolloutHandler } from "./handlers/rollout";
import { serveServiceHandler } from "./handlers/serve-service";

export { planPath, planReturn } from "./core/plan/path";
export { surgePlan as planSurge } from "./core/plan/surge-plan";
export type { SurgePlan, SurgeState } from "./core/plan/surge-plan";
export type { Begin, Path, PlannedPool, PlanState } from "./core/plan/states";
export type { Gate, RollbackMode, Strategy } from "./core/strategy";
export type { PoolChange } from "./core/plan/classify";
export type { RolloutPlan } from "./core/plan/rollout-plan";
export type { PoolFacts } from "./core/spec/facts";
export type { ErrorCode } from "./core/errors";

/** What the shim in Pulumi's state calls: path, names and signatures are frozen, as old state calls them for ever. */
export const handlers: Readonly<Record<"ServeService" | "ReplicaPool" | "Rollout", Handler>> = {
  ServeService: serveServiceHandler(realEdge),
  ReplicaPool: replicaPoolHandler(realEdge),
  Rollout: rolloutHandler(realEdge),
};

watchEngine();

export { ModelService, type ModelServiceArgs } from "./model-service";
export {
  ReplicaPool,
  type CapacityArgs,
  type PoolFacts,
  type ReadinessArgs,
  type ReconfigureArgs,
  type ReplicaPoolArgs,
  type ScheduleArgs,
  type SpotArgs,
  type TemplateArgs,
} from "./replica-pool";
export {
  Rollout,
  type PlanCost,
  type RolloutArgs,
  type RolloutOutcome,
  type RolloutPlan,
  type RolloutRejection,
} from "./rollout";
export {
  ServeService,
  type BalancerArgs,
  type ClientLimitsArgs,
  type EndpointArgs,
  type ServeServiceArgs,
  type TlsArgs,
} from "./serve-service";
export {
  type BlueGreenArgs,
  type GateArgs,
  type InPlaceArgs,
  type RollbackArgs,
  type RollingArgs,
  type StrategyArgs,
  type StrategyBaseArgs,
  type SurgeArgs,
} from "./strategy";
export { local, type AdditionalTarget, type LocalTarget, type LocalTargetArgs, type Target } from "./target";
export { type Timeouts } from "./timeouts";

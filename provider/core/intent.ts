import type { Commands } from "./command";
import type { PoolSpec, Revision, ServiceSpec } from "./spec/pool";
import type { Strategy } from "./strategy";

/** What the user declared. Handlers and the CLI write it by compare-and-set; the controller only reads it. */
export interface Intent {
  schemaVersion: 1;
  /** `<project>/<stack>/<name>` of the ServeService. */
  identity: string;
  /** Random, made once at the first create: keeps the VMs of a service apart from those of its predecessor of the same name. */
  uid: string;
  service: ServiceIntent;
  pools: Record<string, PoolIntent>;
  rollout: RolloutIntent | null;
  commands: Commands;
}

export interface ServiceIntent {
  /** Counted up by each create; a delete that carries an older one does nothing. */
  incarnation: number;
  spec: ServiceSpec;
  /** True once deleted: the controller drains and ends everything, then the store goes. */
  deleting: boolean;
}

export interface PoolIntent {
  incarnation: number;
  declared: PoolSpec;
  /** Counted up by each handler call, so that a pool that was given up is tried again by the next `up`. */
  attempt: number;
  deleting: boolean;
}

/** "Move the service to these revisions." The pools named are those that take part; null target members do not exist. */
export interface RolloutIntent {
  incarnation: number;
  target: RolloutTarget;
  strategy: Strategy;
  /** False after the Rollout resource was deleted: nobody drives, an unfinished rollout holds where it is. */
  driving: boolean;
}

/** Per pool: what it shall serve. `specHash` is part of it, so a fixed probe makes a rejected revision eligible again. */
export type RolloutTarget = Record<string, { revision: Revision; specHash: string }>;

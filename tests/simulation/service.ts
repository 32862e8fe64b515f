import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import type { RolloutProgress } from "../../provider/core/state";
import type { Strategy } from "../../provider/core/strategy";
import { surge } from "../core/strategies";
import { intentOf, poolSpec, redeclare } from "./intents";
import { World } from "./world";

export interface Pool {
  name: string;
  replicas: number;
}

/** A service whose pools serve revision `a`. */
export function serving(pools: Pool[], strategy: Strategy = surge()): World {
  const world = new World(intentOf(pools.map(({ name, replicas }) => poolSpec(name, "a", replicas))));
  world.declare((intent) => (intent.rollout!.strategy = strategy));
  world.until(() => settled(world));
  return world;
}

/** What `pulumi up` declares when the program has another revision of every pool, and maybe another strategy. */
export function declareRevision(world: World, revision: string, strategy?: Strategy): void {
  world.declare((intent) => {
    const pools = Object.values(intent.pools).map(({ declared }) => declared);
    redeclare(
      intent,
      pools.map(({ name, route, replicas }) => poolSpec(name, revision, replicas, { route })),
    );
    if (strategy !== undefined) intent.rollout!.strategy = strategy;
  });
}

export function declareStrategy(world: World, strategy: Strategy): void {
  world.declare((intent) => (intent.rollout!.strategy = strategy));
}

/** Everything is as declared and in force, and nothing is under way. */
export function settled(world: World): boolean {
  const { state } = world;
  if (state === null || state.rollout !== null || state.intentVersion !== world.intentVersion) return false;
  const whole = Object.entries(state.pools).every(([name, { hasServed, primary }]) => {
    const all = Object.values(state.replicas).filter(({ pool }) => pool === name);
    return hasServed && all.length === primary!.replicas && all.every(({ status }) => status === "ready");
  });
  return whole && world.routing?.generation === state.routing.generation;
}

export function rolloutOf(world: World): RolloutProgress {
  const rollout = world.state?.rollout;
  if (!rollout) throw new Error("no rollout is in progress");
  return rollout;
}

/** True while a rollout is in progress of which this holds. */
export function during(world: World, holds: (rollout: RolloutProgress) => boolean): boolean {
  const rollout = world.state?.rollout;
  return rollout !== undefined && rollout !== null && holds(rollout);
}

/** The canary's traffic in percent. */
export function canaryTraffic(world: World): number {
  const { canary, primary } = world.state!.routing.weights;
  return (100 * canary) / (canary + primary);
}

export function revisions(world: World): Set<string> {
  return new Set(world.living().map(({ revision }) => revision));
}

export function ended(world: World): number {
  return world.log.filter(({ kind }) => kind === "rolloutEnded").length;
}

/** Ready replicas as the balancer has them, after every tick until the rollout is over. */
export function follow(
  world: World,
  rollouts: number,
  each: (ready: { canary: number; primary: number }) => void,
): void {
  world.until(
    () => ended(world) === rollouts,
    3600,
    () => {
      const [route] = world.routing!.routes;
      each({ canary: route?.canary?.replicas.length ?? 0, primary: route?.primary?.replicas.length ?? 0 });
    },
  );
}

/** The log alone proves every invariant. */
export function proved(world: World): void {
  assert.deepEqual(
    checkEvents(world.log).verdicts.flatMap(({ violation }) => violation ?? []),
    [],
  );
}

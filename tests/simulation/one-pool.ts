import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import { intentOf, poolSpec, redeclare } from "./intents";
import { World } from "./world";

/** A service of one pool that serves revision a. */
export function serving(replicas: number, surge = 25): World {
  const world = new World(intentOf([poolSpec("p", "a", replicas)], surge));
  world.until(() => settled(world));
  return world;
}

export function deploy(world: World, revision: string, replicas: number): void {
  world.declare((intent) => redeclare(intent, [poolSpec("p", revision, replicas)]));
}

/** The log of the whole story, judged apart from the code that wrote it. */
export function proved(world: World): void {
  const { verdicts } = checkEvents(world.log);
  assert.deepEqual(
    verdicts.flatMap(({ violation }) => violation ?? []),
    [],
  );
}

export function settled({ state, intentVersion, routing }: World): boolean {
  if (state === null || state.rollout !== null || state.intentVersion !== intentVersion) return false;
  const whole = Object.entries(state.pools).every(([name, { hasServed, primary }]) => {
    const all = Object.values(state.replicas).filter(({ pool }) => pool === name);
    return hasServed && all.length === primary!.replicas && all.every(({ status }) => status === "ready");
  });
  return whole && routing?.generation === state.routing.generation;
}

export const ended = (world: World, count: number) => () =>
  world.log.filter(({ kind }) => kind === "rolloutEnded").length === count;

export function ids(world: World): string[] {
  return world
    .living()
    .map(({ replica }) => replica)
    .sort();
}

export function revisions(world: World): string[] {
  return [...new Set(world.living().map(({ revision }) => revision))].sort();
}

export function readyOf(world: World, revision: string): number {
  return Object.values(world.state!.replicas).filter(
    (replica) => replica.revision === revision && replica.status === "ready",
  ).length;
}

export function launchesOf(world: World, revision: string): number {
  return world.log.filter((event) => event.kind === "replicaLaunching" && event.revision === revision).length;
}

export function weights(world: World): { canary: number; primary: number } {
  return world.state!.routing.weights;
}

import { join } from "node:path";
import type { Intent } from "../../provider/core/intent";
import type { State } from "../../provider/core/state";
import type { Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { holder } from "../controller/stored-service";
import { intentOf, poolSpec, redeclare } from "../simulation/intents";
import { World } from "../simulation/world";
import { makeFolder } from "../store/folders";

/** A service as its agent left it; our own process holds the lease, so that no agent is started. */
export async function stored(
  identity: string,
  world: World,
  change: (state: State) => void = () => {},
): Promise<Store> {
  const store = openFileStore(identity);
  await store.create();
  const intent: Intent = { ...world.intent, identity };
  intent.service.spec.target.cloudFile = join(makeFolder(), "cloud.json");
  await store.writeIntent(0, intent);
  const { epoch } = await store.acquireLease(holder());
  const state = structuredClone({ ...world.state!, epoch });
  change(state);
  await store.writeState(0, state);
  return store;
}

/** Version 1 ("a") of pool "p" serves. */
export function servingWorld(replicas = 2): World {
  const world = new World(intentOf([poolSpec("p", "a", replicas)]));
  world.until(() => world.state?.pools["p"]?.hasServed === true);
  return world;
}

/** Version 2 ("b") is on its way, with a quarter of the traffic. */
export function rollingWorld(): World {
  const world = servingWorld(4);
  world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 4)]));
  world.until(() => (world.state!.rollout?.cursor ?? 0) >= 3);
  return world;
}

import type { World } from "./world";

/** DESIGN section 5 over the world as it is, apart from the code that is judged. */
export function violations(world: World, losses: { happened: boolean }): string[] {
  const found: string[] = [];
  const { state } = world;
  if (state === null) return found;
  const revision = (id: string) => world.vms.get(id)?.revision;
  for (const [name, pool] of Object.entries(state.pools)) {
    const vms = world.living().filter(({ replica }) => replica.startsWith(`${name}-`));
    const rollout = state.rollout?.pools.find((each) => each.name === name);
    const counted = vms.filter(({ replica }) => !world.notices.has(replica));
    if (rollout !== undefined && counted.length > state.rollout!.cap[name]!) {
      found.push(`cap: ${counted.length} VMs of ${name}, at most ${state.rollout!.cap[name]}`);
    }
    const route = world.routing?.routes.find((each) => each.pool === name);
    if (route === undefined || !pool.hasServed) continue;
    const up = (ids: { id: string }[] | undefined) =>
      (ids ?? []).filter(({ id }) => world.vms.get(id)?.phase === "up").length;
    const canary = up(route.canary?.replicas);
    const primary = up(route.primary?.replicas);
    if (canary + primary === 0 && !losses.happened) found.push(`nobody serves ${name}`);
    const weights = { canary: route.canary?.weight ?? 0, primary: route.primary?.weight ?? 0 };
    const total = weights.canary + weights.primary;
    if (rollout !== undefined && !losses.happened) {
      if (rollout.to > 0 && weights.canary * rollout.to > canary * total) {
        found.push(`capacity: ${canary} canaries of ${rollout.to} get ${weights.canary}:${weights.primary}`);
      }
      if (rollout.from > 0 && weights.primary * rollout.from > primary * total) {
        found.push(`capacity: ${primary} primaries of ${rollout.from} get ${weights.primary}:${weights.canary}`);
      }
    }
    // A routed replica that is being ended by us loses requests.
    for (const { id } of [...(route.canary?.replicas ?? []), ...(route.primary?.replicas ?? [])]) {
      if (world.vms.get(id)?.phase === "ending") found.push(`drain first: ${id} (${revision(id)}) ends while routed`);
    }
  }
  for (const vm of world.living()) {
    if (vm.phase === "ending" && world.now < vm.requestsUntil && vm.requestsUntil - world.now > 250) {
      found.push(`drain first: ${vm.replica} was ended with requests running`);
    }
  }
  return found;
}

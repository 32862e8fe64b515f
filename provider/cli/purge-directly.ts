import { purgeTargets } from "../clouds";
import { DataPlaneClient } from "../dataplane/client";
import { endOrphans } from "../dataplane/haproxy/worker-records";
import { signalProcess } from "../host/signal";
import type { Store } from "../ports/store";
import type { LocatedService } from "./services";

const BALANCER_GRACE_SECONDS = 2;

/**
 * Ends a service whose store nobody can work from any more. The agent goes first and at once: it would start the
 * balancer again, which in turn would start the agent.
 */
export async function purgeDirectly(store: Store, { folder, identity }: LocatedService): Promise<void> {
  const lease = await store.readLease().catch(() => null);
  if (lease !== null) signalProcess(lease.holder, "SIGKILL");
  await endBalancer(folder);
  // Without the tag the processes are still found by their records.
  const uid = await store.readIntent().then(
    ({ value }) => value.uid,
    () => "unknown",
  );
  await purgeTargets({ serviceFolder: folder, service: identity, uid });
  await store.destroy();
}

async function endBalancer(folder: string): Promise<void> {
  const balancer = await DataPlaneClient.connect(folder).catch(() => null);
  // HAProxy outlives a supervisor that was killed.
  if (balancer === null) return endOrphans(folder);
  await balancer.shutdown(BALANCER_GRACE_SECONDS).finally(() => balancer.close());
}

import { startEngine } from "../../../dataplane/support/engine-process";
import { primaryOnly } from "../../../dataplane/support/routing";
import type { Start } from "../contender";

/** Our embedded engine, from the built package, as it is used. */
export const embedded: Start = async (backends) => {
  const engine = await startEngine("embedded");
  const replicas = backends.map((port, at) => ({ id: `backend-${at}`, host: "127.0.0.1", port }));
  // Streams of every client at once, and none of them waits for a place.
  const desired = primaryOnly(replicas, { policy: "roundRobin", maxInFlightPerReplica: 1000 });
  // The backend answers everything with 1 KB, its health check too; it must not be asked often.
  desired.routes[0]!.readiness.intervalSeconds = 60;
  await engine.plane.apply(desired);
  const { endpoint } = await engine.plane.observe();
  return { name: "embedded", port: endpoint!.port, pids: [engine.pid], stop: () => engine.stop() };
};

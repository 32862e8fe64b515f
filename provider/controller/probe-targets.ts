import type { State } from "../core/state";
import type { ProbeTarget } from "../ports/prober";

/** Whom the prober asks: every replica that serves or is on its way to it, by the probe of its own revision. */
export function probeTargets(state: State): ProbeTarget[] {
  return Object.values(state.replicas).flatMap((replica): ProbeTarget[] => {
    const pool = state.pools[replica.pool];
    const spec = [pool?.primary, pool?.canary].find((version) => version?.revision === replica.revision);
    if (spec === undefined || spec === null || replica.address === null) return [];
    const target = { replicaId: replica.id, address: replica.address, readiness: spec.readiness };
    switch (replica.status) {
      case "starting":
        return [{ ...target, phase: "starting" }];
      case "ready":
      case "notReady":
        return [{ ...target, phase: "serving" }];
      case "launching":
      case "restarting":
      case "draining":
      case "terminating":
        return [];
    }
  });
}

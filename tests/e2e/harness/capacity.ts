import { setTimeout as sleep } from "node:timers/promises";
import type { State } from "../../../provider/core/state";
import type { RunningService } from "./running-service";

export interface CapacitySeen {
  /** Fewest replicas that the balancer could send requests to, and most that existed, while `work` ran. */
  readyMin: number;
  peak: number;
}

/** Watches the service's state while `work` runs: what was lost of its capacity, and what was had beyond it. */
export async function watchCapacity(service: RunningService, work: () => Promise<unknown>): Promise<CapacitySeen> {
  const seen: CapacitySeen = { readyMin: Number.POSITIVE_INFINITY, peak: 0 };
  let over = false;
  const watching = (async () => {
    while (!over) {
      const state = await service.state();
      if (state !== null) note(seen, state);
      await sleep(20);
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await watching;
  }
  return seen;
}

function note(seen: CapacitySeen, { replicas }: State): void {
  const all = Object.values(replicas);
  seen.readyMin = Math.min(seen.readyMin, all.filter(({ status }) => status === "ready").length);
  seen.peak = Math.max(seen.peak, all.length);
}

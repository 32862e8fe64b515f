import { ServeError } from "../core/errors";
import type { DesiredRouting } from "../core/routing";

/** Keeps whoever has been replaced, and what has been overtaken, from being put in force. */
export class Fence {
  private epoch = 0;

  raise(epoch: number): void {
    if (epoch < this.epoch) {
      throw new ServeError({
        code: "StaleEpoch",
        scope: "dataplane",
        reasons: [
          `The load balancer follows epoch ${this.epoch}, so orders of epoch ${epoch} are refused: another agent has taken over.`,
        ],
      });
    }
    this.epoch = epoch;
  }

  /** Throws StaleEpoch when `desired` must not take the place of what is in force. */
  admit(desired: DesiredRouting, inForce: DesiredRouting | null): void {
    this.raise(desired.epoch);
    if (inForce?.epoch === desired.epoch && desired.generation < inForce.generation) {
      throw new ServeError({
        code: "StaleEpoch",
        scope: "dataplane",
        reasons: [`Routing ${desired.generation} came after ${inForce.generation}, which is in force and newer.`],
      });
    }
  }
}

import type { Slot } from "../spot/candidate";
import type { SpotWorld } from "./spot-world";

/** One way to run a pool: asked at every event, it launches and ends VMs as it sees fit. */
export interface Policy {
  name: string;
  /** `lost`: what the market took since the last time. */
  act(world: SpotWorld, wanted: number, lost: readonly Slot[]): void;
}

import type { DataPlane } from "../ports/dataplane";

/** What the process of the data plane runs. Agent, persistence and revival are the same for each of them. */
export interface Engine extends DataPlane {
  /** Raises the fence: whoever acts for the service with an older epoch has been replaced. Throws StaleEpoch for such a one. */
  fence(epoch: number): void;
  /** Called when a request comes to a route that has no replica at all, so that nobody has to wait for the agent's next look. */
  onWaiting?(listener: () => void): void;
}

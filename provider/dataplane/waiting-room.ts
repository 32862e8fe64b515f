import type { DesiredRouting } from "../core/routing";
import type { DataPlaneReport } from "../ports/dataplane";

/**
 * Where an engine sends what it cannot place itself: a request for which its version has no replica that is up, or whose
 * only replica has just died. There it waits, goes to the other version, or is refused with a sentence.
 */
export interface WaitingRoom {
  /** Takes requests on this unix socket, from now on by this routing; called again with each change of it. */
  open(path: string, desired: DesiredRouting): Promise<void>;
  report(): Pick<DataPlaneReport, "replicas" | "routes" | "metrics"> & Required<Pick<DataPlaneReport, "pools">>;
  /** Called when a request waits at a route that has no replica at all. */
  onWaiting(listener: () => void): void;
  /** Lets what is in it end, at most `graceSeconds`. */
  close(graceSeconds: number): Promise<void>;
}

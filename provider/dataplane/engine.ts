import type { DesiredRouting } from "../core/routing";
import type { DataPlane } from "../ports/dataplane";
import type { TcpHandle } from "./listener";

/** What the process of the data plane runs. Agent, persistence and revival are the same for each of them. */
export interface Engine extends DataPlane {
  /** Raises the fence: whoever acts for the service with an older epoch has been replaced. Throws StaleEpoch for such a one. */
  fence(epoch: number): void;
  /** Called when a request comes to a route that has no replica at all, so that nobody has to wait for the agent's next look. */
  onWaiting?(listener: () => void): void;
  /** An agent has asked for a report just now: it lives, and probes every replica itself. */
  lookedOn?(): void;
}

/** An engine that another one can take the place of while it serves, and that can take its place again. */
export interface EngineInTurn extends Engine {
  /** The next `apply` serves, on this socket; null: it opens one itself. */
  take(listener: TcpHandle | null): void;
  /** The socket that it listens on, for the other engine; both take connections until this one retires. Null: it cannot. */
  share(endpoint: DesiredRouting["endpoint"]): Promise<TcpHandle | null>;
  /** No new connections. Those that are open go on, each until its next answer, and `apply` only tells them who serves. */
  retire(): Promise<void>;
  /** Whether nobody is connected to it. */
  readonly isIdle: boolean;
}

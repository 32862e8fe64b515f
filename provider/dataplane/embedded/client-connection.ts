import type { ClientLimits } from "../client-limits";
import type { ClientRequest } from "./client-request";
import type { Inlet } from "./inlet";
import type { Refusal } from "./refusal";

/** One connection of a client, whichever HTTP it speaks. */
export interface ClientConnection {
  /** Nothing is under way on it. */
  readonly isIdle: boolean;
  /** It ends with what it has or is about to get: to close at once could lose a request that is just being sent. */
  leave(): void;
  destroy(): void;
  /** Looks after time; `now`: on the clock of its host, of which it never says more than has passed. */
  sweep(now: number): void;
}

/** What a connection needs of the listener that it came to. */
export interface ConnectionHost {
  readonly maxHeaderBytes: number;
  readonly limits: ClientLimits;
  readonly closing: boolean;
  /** Milliseconds, as of its last look at its connections: exact enough for deadlines. */
  readonly now: number;
  onRequest(request: ClientRequest): void;
  /** What came is no request, and gets this for an answer. */
  onRefused(request: ClientRequest, refusal: Refusal): void;
  onGone(connection: ClientConnection): void;
  /** The connection speaks WebSocket from now on, and `inlet` is looked after by whoever does. */
  onSwitched(connection: ClientConnection, inlet: Inlet): void;
}

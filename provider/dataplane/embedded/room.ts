import type { DesiredRouting } from "../../core/routing";
import type { BalancerSpec } from "../../core/spec/pool";
import type { VersionCounts } from "../version-counts";
import type { WaitingRoom } from "../waiting-room";
import type { ClientRequest } from "./client-request";
import { RoomRequest } from "./room-request";
import { RoutingTable } from "./routing-table";
import { FrontServer } from "./server";

const ADDED_BYTES = 4096;

/** The embedded engine behind another one, which has the listener and sends here what it cannot place itself. */
export class EmbeddedRoom implements WaitingRoom {
  private readonly table: RoutingTable;
  private front: FrontServer | null = null;

  /** Counts into the versions of the engine before it: whoever asks must not see who carried a request. */
  constructor(counts: VersionCounts) {
    this.table = new RoutingTable(counts);
  }

  async open(path: string, desired: DesiredRouting): Promise<void> {
    const balancer = behindAnother(desired.balancer);
    this.front ??= await FrontServer.listenAt(path, this.table, balancer);
    this.front.setBalancer(balancer, null, desired.balancer.accessLog === true ? told : null);
    this.table.set(desired);
  }

  onWaiting(listener: () => void): void {
    this.table.onWaiting = listener;
  }

  report(): ReturnType<WaitingRoom["report"]> {
    const { replicas, routes, metrics, pools } = this.table.report();
    return { replicas, routes, metrics, pools };
  }

  async close(graceSeconds: number): Promise<void> {
    await this.front?.close(graceSeconds);
    this.front = null;
    this.table.close();
  }
}

/** The engine in front writes the access log, and must know who answered. */
function told(request: ClientRequest): ClientRequest {
  return new RoomRequest(request);
}

/** The engine in front has judged the header and the token already, and added to it; TLS ends there. */
function behindAnother(balancer: BalancerSpec): BalancerSpec {
  return {
    ...balancer,
    tokens: undefined,
    tls: undefined,
    // Its connections here are not those of clients.
    limits: { ...balancer.limits, headSeconds: undefined, idleSeconds: undefined, maxConnections: undefined },
    maxHeaderBytes: balancer.maxHeaderBytes + ADDED_BYTES,
  };
}

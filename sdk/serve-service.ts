import * as pulumi from "@pulumi/pulumi";
import { claimServiceName } from "./one-of-a-name";
import { hasType, ServeResource, typeToken } from "./dynamic-resource";
import { sealingKey } from "./tls";
import { hashingTokens } from "./tokens";
import { local, type AdditionalTarget, type Target } from "./target";
import type { Timeouts } from "./timeouts";

export interface ServeServiceArgs {
  /** Where the service runs. Default: `local()`. Change of its kind: replaces the service. */
  target?: Target;
  /**
   * Further targets that replicas of every pool may be placed in, beside the service's own; balancer and agent stay there. A
   * target that offers no spot counts as on-demand, as Kubernetes does. What is refused in one is launched in another.
   * Default: none. Change: light. One that is taken away gets no more launches; what runs there serves on, and goes first.
   */
  additionalTargets?: AdditionalTarget[];
  /** Where clients find the service. Change: the listener moves live, replicas stay; clients must follow. */
  endpoint: EndpointArgs;
  /** What happens to a request on its way to a replica. Change: live, no restart. */
  balancer?: BalancerArgs;
  /** How long operations may wait. Default: 5 minutes each, 15 for delete. Change: no effect on what runs. */
  timeouts?: Timeouts;
}

interface DeclaredTargets {
  target: Target;
  additionalTargets: AdditionalTarget[] | undefined;
}

export interface EndpointArgs {
  /** Address of this computer to listen on. Default: "127.0.0.1". Change: live. */
  host?: pulumi.Input<string>;
  /** Port to listen on, 1 to 65535; it must be free. Change: live. */
  port: pulumi.Input<number>;
}

export interface BalancerArgs {
  /**
   * Which program carries the requests: "embedded", which needs nothing, or "haproxy", the `haproxy` (2.6 or newer) on this
   * computer's PATH. Default: "embedded". Change: live, without a failed request; streams end where they began.
   */
  engine?: pulumi.Input<"embedded" | "haproxy">;
  /**
   * Processes that carry the requests, 1 to 64, for a service that is more than one core can carry; only with engine "embedded"
   * ("haproxy" has a thread for each core anyway). Give at most one for each core, and no more than `maxInFlightPerReplica`,
   * `maxQueue` and `limits.maxConnections`, of which each has its part. A client's connection stays with one worker, which
   * chooses replicas by its own requests. Its split is exact; that of all is, but for the windows that they are in. Each takes
   * some 55 MB of memory, 15 MB of them not shared, and checks every replica itself. Default: 1, in the balancer's own process.
   * Change: live, without a failed request; connections of a worker that leaves end with their next answer, streams where they
   * began.
   */
  workers?: pulumi.Input<number>;
  /**
   * Which ready replica gets the next request: the one with the fewest in flight, or each in turn. Default: "leastLoad". In a
   * pool of several machines with a `targetQpsPerReplica` for each, what is in flight counts against what the machine is to get.
   */
  policy?: pulumi.Input<"leastLoad" | "roundRobin">;
  /**
   * How long a replica that joins a version which already serves takes to come to its whole share, in seconds: from a tenth of
   * it, evenly. With `leastLoad` it has so much less in flight than the others (one that has nothing to do still gets a
   * request), with `roundRobin` so many fewer turns. A version's first replicas have it all at once, as has everybody when the
   * balancer starts again; the split between versions stays exact; a request that only a new replica has room for goes there.
   * Keys of `affinity` go to their replica at once. 0 to 3600. Default: 0, off. Change: live.
   */
  slowStartSeconds?: pulumi.Input<number>;
  /** Requests that one replica gets at once; further ones wait. Default: 256. */
  maxInFlightPerReplica?: pulumi.Input<number>;
  /** Requests that wait, over all replicas of a route, before 503 with Retry-After. Default: 1024. */
  maxQueue?: pulumi.Input<number>;
  /** Longest wait of a request for a replica, in seconds. Default: 30. */
  queueTimeoutSeconds?: pulumi.Input<number>;
  /** Longest silence of a replica, before the first byte or between two chunks, in seconds. Default: 300. */
  requestTimeoutSeconds?: pulumi.Input<number>;
  /** Longest silence of both sides of a WebSocket before it is closed, in seconds. Default: 3600. */
  webSocketIdleSeconds?: pulumi.Input<number>;
  /**
   * How long clients may take, and how many there may be at once, so that none of them keeps a connection or a replica for ever.
   * Default: each limit's own. Change: live, no replica is touched and no stream that runs is cut; it holds for connections from
   * then on, and in time for those that are open.
   */
  limits?: ClientLimitsArgs;
  /**
   * Lets in only requests with `Authorization: Bearer <one of these>`; any other gets 401. Each has 16 to 4096 characters of
   * A-Z a-z 0-9 - . _ ~ + / and may end with =; `sha256:<64 hex digits>` stands for the token with that hash. Only hashes leave
   * the program. Replicas do not get the header; their own health checks go on without it. At most 100. Default: none,
   * everybody is let in. Change: live, for the next request of each connection.
   */
  tokens?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Holds requests together, so that what a replica keeps of them is of use: those with the same value of this header, of this
   * cookie, or with the same beginning of their body go to the same ready replica for as long as it is there and has room; in a
   * rollout each version has its own. Those without it go by `policy`. Default: none. Change: live.
   */
  affinity?: AffinityArgs;
  /**
   * Clients speak TLS (1.2 or newer), and nothing in clear any more; replicas are reached in clear as before, and get
   * `X-Forwarded-Proto: https`. Default: none, clients speak HTTP in clear. Change of certificate or key: live, for each
   * connection from then on; those that are open go on, and nothing restarts. Given, or taken away: live for new connections;
   * whoever is connected gets one more answer, which ends the connection.
   */
  tls?: TlsArgs;
  /**
   * Writes a line of JSON for each request: when and from where, method, path, status, bytes, pool, version, replica, tries,
   * times, and how it ended. No query, no header, no body, no token. `pulumi-serve logs --access` shows it. In two files of at
   * most 64 MiB that only this user may read. Costs some of the balancer's processor time for each request, and never a
   * request's time on the disk. Default: false. Change: live.
   */
  accessLog?: pulumi.Input<boolean>;
  /** Largest request head, in bytes; larger ones get 431. Default: 32768. */
  maxHeaderBytes?: pulumi.Input<number>;
  /** Largest request body, in bytes; larger ones get 413. Default: 100 MiB. */
  maxBodyBytes?: pulumi.Input<number>;
  /** A request with a larger body is not tried on a second replica, in bytes. Default: 1 MiB. */
  replayBufferBytes?: pulumi.Input<number>;
  retry?: {
    /** Further replicas tried when one fails before its first response byte. Default: 2. */
    attempts?: pulumi.Input<number>;
    /**
     * True: whatever has had no response byte is retried, so that losing a replica fails no request; a request may then
     * have run twice. False: only when nothing was sent to the replica. Default: true.
     */
    nonIdempotent?: pulumi.Input<boolean>;
  };
}

/** What clients may cost. A limit that is none, or has no such name, is refused in preview. */
export interface ClientLimitsArgs {
  /**
   * Longest time in which the whole head of a request must have come once it has begun, or the first one after connecting, in
   * seconds, 1 to 3600. After it: 408, and the connection is closed. Default: 30. A connection between two requests has
   * `idleSeconds` instead; with HTTP/2 one on which only a part of a further head has come counts as such.
   */
  headSeconds?: pulumi.Input<number>;
  /**
   * Longest time in which the whole body of a request must have come, from when it is read, in seconds, 1 to 604,800. After it:
   * 408, or a response that breaks off where it has begun. Default: 3600. HAProxy knows it only for bodies that it may
   * have to replay: of known length, up to `replayBufferBytes`.
   */
  bodySeconds?: pulumi.Input<number>;
  /**
   * How long a connection is kept without a request, in seconds, 1 to 86,400. Default: 650, which is longer than what load
   * balancers in front of this one keep theirs (600 at most, commonly): who closes first loses the request that is just being sent.
   */
  idleSeconds?: pulumi.Input<number>;
  /**
   * Longest time in which a client takes nothing of a response that waits for it, or sends nothing of a body that is waited for,
   * in seconds, 1 to 86,400. After it the request ends and its replica is free. Default: 600. A replica that says nothing is no
   * stalled client (`requestTimeoutSeconds`), and WebSockets have `webSocketIdleSeconds`.
   */
  stalledSeconds?: pulumi.Input<number>;
  /**
   * Most connections of clients at once, 1 to 1,000,000; whoever comes beyond waits, connected but unanswered, until one of
   * them goes, and when as many again wait, is not let in. Default: as many as this computer has room for.
   */
  maxConnections?: pulumi.Input<number>;
}

/** By what requests are held together: exactly one of `header`, `cookie` and `prefixBytes`. */
export type AffinityArgs = ({ header: pulumi.Input<string> } | { cookie: pulumi.Input<string> } | PrefixArgs) & {
  /**
   * When the replica of a key has so many more requests in flight than the least busy one, and more than 1.5 times as many, a
   * request goes by `policy` instead. Where machines have unlike `targetQpsPerReplica`, one that is to get twice as much may
   * have twice as many before they count as more. Default: 64 with `prefixBytes`; else none, only a replica without room is
   * passed over.
   */
  maxLoadGap?: pulumi.Input<number>;
};

/**
 * The beginning of the body, as a prefix cache sees it: of a conversation it stays the same from turn to turn.
 *
 * @example { prefixBytes: 1024, prefixField: "messages" } // of requests to a chat completions API
 */
export interface PrefixArgs {
  /**
   * Requests whose bodies are alike in so many bytes are held together, 1 to 8192; of a shorter body all count. To hold
   * conversations, take more than what they all begin with, such as a common system prompt. No replica is chosen before
   * these bytes have come; requests without a body go by `policy`.
   */
  prefixBytes: pulumi.Input<number>;
  /**
   * The bytes begin behind the first `"<this>"` in the body, where that is within the first 16 KiB, so that fields before it
   * (a temperature, an id) do not count; else where the body begins. Default: where the body begins.
   */
  prefixField?: pulumi.Input<string>;
}

/** With whom clients speak TLS. A certificate and a key that do not fit, or are out of date, are refused in preview. */
export interface TlsArgs {
  /** The certificate in PEM, and after it, in one text, those that vouch for it; at most 24,576 characters. */
  certificate: pulumi.Input<string>;
  /**
   * Its private key in PEM, not encrypted; at most 8,192 characters. Always a secret in Pulumi's state, whether it was one
   * or not. The service keeps it in files that only this user may read; it is in no log and no process argument.
   */
  privateKey: pulumi.Input<string>;
  /** Clients may speak HTTP/2 as well. Default: false. Change: live, for new connections. */
  http2?: pulumi.Input<boolean>;
}

/**
 * A service: its endpoint, its balancer and its agent. Pools bring the replicas, a Rollout moves them to new revisions.
 *
 * @example const service = new serve.ServeService("chat", { endpoint: { port: 8080 } });
 */
export class ServeService extends ServeResource {
  /** @internal */
  static readonly __pulumiType = typeToken("ServeService");

  static override isInstance(value: unknown): value is ServeService {
    return hasType(value, ServeService.__pulumiType);
  }

  /** `http://host:port` of the endpoint, `https://host:port` with `balancer.tls`. */
  declare readonly url: pulumi.Output<string>;
  declare readonly endpoint: pulumi.Output<{ host: string; port: number }>;
  /** `<project>/<stack>/<name>`: what `pulumi-serve` commands take, and what replicas are tagged with. */
  declare readonly serviceId: pulumi.Output<string>;
  /** Process of the agent when it was last seen, for `pulumi-serve status`; null while there is none. */
  declare readonly agent: pulumi.Output<{ pid: number; packageVersion: string } | null>;

  private readonly pools = new Set<string>();
  private readonly poolsByRoute = new Map<string, string>();
  private rolloutName: string | null = null;
  private readonly placedAt: DeclaredTargets;

  constructor(name: string, args: ServeServiceArgs, opts: pulumi.CustomResourceOptions = {}) {
    claimServiceName(name);
    const balancer = args.balancer && hashingTokens(sealingKey(args.balancer));
    super("ServeService", name, { ...args, balancer }, ["url", "serviceId", "agent"], opts);
    this.placedAt = { target: args.target ?? local(), additionalTargets: args.additionalTargets };
  }

  /**
   * Taken by the Rollout: what its first deployment costs is to be said before there is a service to ask.
   * @internal
   */
  get declaredTargets(): DeclaredTargets {
    return this.placedAt;
  }

  /**
   * Called by each ReplicaPool: a request must not have two pools to go to, and a pool is its name, whatever its parent.
   * @internal
   */
  claimPool(pool: string, route: pulumi.Input<string>): void {
    if (this.pools.has(pool)) {
      throw new pulumi.RunError(
        `ReplicaPool "${pool}": its service has a pool of this name already. Give each pool of a service its own name.`,
      );
    }
    this.pools.add(pool);
    if (typeof route === "string") this.claimRoute(route, pool);
    else pulumi.output(route).apply((known) => this.claimRoute(known, pool));
  }

  /**
   * Called by each Rollout: two of them would each undo what the other does.
   * @internal
   */
  claimRollout(rollout: string): void {
    if (this.rolloutName !== null) {
      throw new pulumi.RunError(
        `Rollout "${rollout}": the service has the Rollout "${this.rolloutName}" already. Give that one all \`pools\`.`,
      );
    }
    this.rolloutName = rollout;
  }

  private claimRoute(route: string, pool: string): void {
    const owner = this.poolsByRoute.get(route);
    if (owner !== undefined) {
      throw new pulumi.RunError(
        `ReplicaPool "${pool}": route "${route}" belongs to pool "${owner}" already. Give each pool of a service its own \`route\`.`,
      );
    }
    this.poolsByRoute.set(route, pool);
  }
}

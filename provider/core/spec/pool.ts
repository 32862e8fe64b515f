import type { ScalingSpec } from "../scale/spec";
import type { Market } from "../spot/candidate";
import type { SpotSpec } from "../spot/spec";

/** Content hash (16 hex digits) of what makes one replica different from another. */
export type Revision = string;

/** One hash for each part of a template, so that a change can be named without showing its content. */
export interface RevisionParts {
  setup: string;
  run: string;
  workdir: string;
  env: string;
  port: string;
  resources: string;
  restartToken: string;
}

/** Number by kind, for example `{ A10G: 1 }`. */
export type Accelerators = Record<string, number>;

/** What a replica asks for. */
export interface Resources {
  cpus?: number;
  memoryGiB?: number;
  /** A list: any of these will do. */
  accelerators?: Accelerators | Accelerators[];
}

/** What one replica gets of it. */
export interface Machine extends Resources {
  accelerators?: Accelerators;
}

/** What a launch needs. Values of `env` are never here: they lie in the store's secrets under `envSecret`. */
export interface LaunchSpec {
  setup: string | null;
  run: string;
  /** Blob of the workdir, or null: an empty working folder. */
  workdirBlob: string | null;
  envSecret: string | null;
  port: number;
  resources: Resources;
}

export interface ReadinessSpec {
  path: string;
  /** Seconds from launch within which the replica must become ready, or it has failed. */
  startupGraceSeconds: number;
  intervalSeconds: number;
  timeoutSeconds: number;
  /** Successes in a row that make it ready. */
  successThreshold: number;
  /** Failures in a row that make a ready replica not ready. */
  failureThreshold: number;
  method: "GET" | "POST";
  /** Header values and a POST body may be secret, so they lie in the store's secrets: null when there are none. */
  requestSecret: string | null;
}

/** One pool as declared, complete and free of secrets and of this computer's paths. */
export interface PoolSpec {
  name: string;
  revision: Revision;
  parts: RevisionParts;
  /** Hash of everything here, the light part included: what "unchanged spec" means. */
  specHash: string;
  launch: LaunchSpec;
  route: string;
  /** As declared; of an autoscaled pool its initial number, and in the state what it is to have now. */
  replicas: number;
  /** How much one replica carries, against one of weight 1; at most two decimals. Absent: 1. */
  capacityWeight?: number;
  /** Null: a fixed number. */
  scaling: ScalingSpec | null;
  readiness: ReadinessSpec;
  /** Longest time that running requests get after the replica left the routing. */
  drainSeconds: number;
  /** A replica counts as ready when its probes have succeeded for this long (A21). */
  minReadySeconds: number;
  /** Declared or default time from launch to ready; only the plan's estimated duration uses it. */
  bootSeconds: number;
  /** Pushed to every replica without restart; null: none. Not part of the revision. */
  userConfig: UserConfigSpec | null;
  /** How it uses the spot market; null: all replicas are on-demand. */
  spot: SpotSpec | null;
  /** The program's own name of the revision; the same name means no redeploy, whatever the content (Ray Serve). */
  version: string | null;
}

/** The config itself lies in the store's secrets. */
export interface UserConfigSpec {
  hash: string;
  secret: string;
  path: string;
  method: "POST" | "PUT";
  timeoutSeconds: number;
  /** What a running replica that refuses it comes to: it goes on as it is, or is replaced. */
  onRefusal: "report" | "replace";
}

/** Which program carries the requests. */
export type EngineKind = "embedded" | "haproxy";

/** One of `header`, `cookie` and `prefixBytes`; the header's name is in lower case. */
export interface AffinitySpec {
  header?: string | undefined;
  cookie?: string | undefined;
  /** So many bytes of the body. */
  prefixBytes?: number | undefined;
  /** They begin behind the first mention of this field of JSON; absent, or not to be found: where the body does. */
  prefixField?: string | undefined;
  /** How many more requests than the least busy one the replica of a key may have before it is passed over. */
  maxLoadGap?: number | undefined;
}

/** Clients speak TLS. The certificate and its key lie in the store's secrets. */
export interface TlsSpec {
  /** Name of its `KeyPair` in the store: another certificate, another name. */
  secret: string;
  /** Clients may speak HTTP/2 as well; absent: HTTP/1.1 only. */
  http2?: boolean | undefined;
}

/** How long a client may take, in seconds, and how many connections there may be; what is absent has its default. */
export interface ClientLimitsSpec {
  /** For the whole head of a request that it has begun. */
  headSeconds?: number | undefined;
  /** For the whole body, from when somebody reads it. */
  bodySeconds?: number | undefined;
  /** Between two requests of one connection. */
  idleSeconds?: number | undefined;
  /** Without sending anything of a body that is waited for, or taking anything of a response that waits for it. */
  stalledSeconds?: number | undefined;
  /** At once; whoever comes beyond waits in line. */
  maxConnections?: number | undefined;
}

/** What happens to a request in the data plane; a change takes effect live. */
export interface BalancerSpec {
  /** Absent in what older packages wrote: embedded. */
  engine?: EngineKind;
  /** Processes that carry the requests, with the embedded engine; absent: one. */
  workers?: number | undefined;
  policy: "leastLoad" | "roundRobin";
  /** How long a replica that joins others of its version takes to come to its whole share; absent: 0, it has it at once. */
  slowStartSeconds?: number | undefined;
  maxInFlightPerReplica: number;
  /** Requests that wait, over all replicas of a route, before 503 with Retry-After. */
  maxQueue: number;
  queueTimeoutSeconds: number;
  /** Longest silence from a replica (before the first byte, and between two chunks) before the request fails. */
  requestTimeoutSeconds: number;
  /** Longest silence of both sides of a WebSocket; absent: an hour. */
  webSocketIdleSeconds?: number;
  /** What clients may cost; absent: the defaults. */
  limits?: ClientLimitsSpec | undefined;
  /** SHA-256 of each token that lets a request in, as `sha256:<hex>`; absent: everybody is let in. */
  tokens?: string[];
  /** Requests that name the same here go to the same replica; absent: any replica will do. */
  affinity?: AffinitySpec;
  /** Absent: clients speak in clear. */
  tls?: TlsSpec;
  /** A line for each request, in a file of the service; absent: none. */
  accessLog?: boolean | undefined;
  maxHeaderBytes: number;
  maxBodyBytes: number;
  /** A request whose body is larger than this is not replayed on another replica. */
  replayBufferBytes: number;
  retry: {
    /** Further replicas tried after the first. */
    attempts: number;
    /** True: retry whatever has had no response byte. False: only when nothing was sent to the replica. */
    nonIdempotent: boolean;
  };
}

export interface ServiceSpec extends Targets {
  endpoint: { host: string; port: number };
  balancer: BalancerSpec;
}

export interface Targets {
  /** Where balancer and agent run, and replicas too. */
  target: LocalTarget;
  /** Further targets that replicas may be placed in; absent: none. */
  additionalTargets?: AdditionalTarget[];
}

export interface LocalTarget {
  kind: "local";
  /** The JSON file that plays the cloud: zones, capacity, boot delay, launch errors, notices. */
  cloudFile: string;
  /** What of it is used; absent: all that it offers. */
  markets?: Market[];
}

export interface AdditionalTarget extends LocalTarget {
  /** What its zones are named with: `<name>/<zone>`. */
  name: string;
  /** Declared no more: nothing is launched there, and what runs there is looked after. */
  retired?: true;
}

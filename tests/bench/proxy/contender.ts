/** Something that carries requests to the two backends, as a process with a port. */
export interface Contender {
  name: string;
  port: number;
  /** The processes that carry the requests, for what they cost; null: it cannot be told which they are. */
  pids: readonly number[] | null;
  stop(): Promise<void>;
}

export type WorkloadName = "get" | "post" | "latency" | "streams200" | "streams600";

/** `unavailable`: it cannot run on this computer, for a reason that somebody can do something about. */
export type Started = Contender | { name: string; unavailable: string };

export type Start = (backends: readonly number[]) => Promise<Started>;

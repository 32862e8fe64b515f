import type { DesiredRoute } from "../core/routing";
import type { Revision } from "../core/spec/pool";

/** What a path may fill of a line, in characters: one that is longer is cut. */
export const LONGEST_PATH = 400;

/**
 * One request in the access log. Of what the client and the replica said there is only what is listed here: no query, no
 * field of a header, no body. Whatever could be a key must not come to be a part of it.
 */
export interface AccessEntry {
  /** When its head had come. */
  time: string;
  client: string | null;
  /** Null, as path and protocol are: what came was no request. */
  method: string | null;
  /** Without its query. */
  path: string | null;
  protocol: string | null;
  /** Null: it had no answer. */
  status: number | null;
  bytes: number;
  pool: string | null;
  revision: Revision | null;
  /** What that revision was when the request ended; null: neither of the two any more. */
  role: "primary" | "canary" | null;
  /** The last one that was asked. */
  replica: string | null;
  /** Replicas that were asked, one after the other. */
  tries: number;
  queueMs: number;
  firstByteMs: number | null;
  totalMs: number;
  /** `cut`: the response broke off. `aborted`: the client went away. `refused`: the balancer answered itself. */
  end: "whole" | "cut" | "aborted" | "refused";
  /** Of one that was refused. */
  why?: string;
}

const REASONS: Readonly<Record<number, string>> = {
  401: "token",
  404: "noRoute",
  405: "method",
  408: "clientTooSlow",
  413: "bodyTooLarge",
  431: "headerTooLarge",
  501: "notUnderstood",
  502: "replicaFailed",
  503: "noReplica",
  504: "replicaSilent",
};

/** By its status: the sentence that a client got may quote what it sent. */
export function whyRefused(status: number): string {
  return REASONS[status] ?? "malformed";
}

export function roleOf(
  revision: Revision | null,
  { primary, canary }: { primary: Pick<Versioned, "revision"> | null; canary: Pick<Versioned, "revision"> | null },
): AccessEntry["role"] {
  if (revision === null) return null;
  if (canary?.revision === revision) return "canary";
  return primary?.revision === revision ? "primary" : null;
}

type Versioned = NonNullable<DesiredRoute["primary"]>;

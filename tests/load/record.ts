/** How one request went. Times are milliseconds since 1970, so that another process can lay its own events beside them. */
export interface RequestRecord {
  kind: "unary" | "stream";
  client: number;
  start: number;
  end: number;
  /** From the response head; null: none came. */
  status: number | null;
  replica: string | null;
  model: string | null;
  outcome: Outcome;
}

export type Outcome =
  | { kind: "ok" }
  /** No response, a status other than 200, or a body that is whole and wrong. */
  | { kind: "failed"; detail: string }
  /** A response that began and broke off. */
  | { kind: "cut"; detail: string };

/** A connection beyond a client's first: whatever closed the one before, the client had to notice and dial again. */
export interface Reconnect {
  client: number;
  at: number;
}

/** The instant at which somebody ended a replica by force. */
export interface Kill {
  replica: string;
  at: number;
}

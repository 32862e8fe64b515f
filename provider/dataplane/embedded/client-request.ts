import type { Inlet } from "./inlet";
import type { Member } from "./member";
import type { Refusal } from "./refusal";
import type { ClientHead, Scheme } from "./request-head";
import type { Route } from "./route";
import type { Trailers } from "./trailers";

/** Whoever answers a request: gets its body, as far as it wants it, and learns what becomes of the client. */
export interface ClientUser {
  onClientBody(chunk: Buffer): void;
  onClientBodyEnd(): void;
  /** The client takes more of its response. */
  onClientRoom(): void;
  /** It will never have its response. */
  onClientGone(): void;
  /** The rest of the body is not HTTP. */
  onClientRefused(refusal: Refusal): void;
}

/** Learns what becomes of a request on its way, for whoever looks on. */
export interface RequestNotes {
  routed(route: Route): void;
  /** A replica gets it; told again for each further one. */
  tried(member: Member): void;
  /** Its response breaks off, because of what the client sends. */
  unacceptable(refusal: Refusal): void;
}

/** How the end of a response is told, as the replica told it. */
export type ResponseFraming = "none" | "length" | "chunked" | "close";

/** The head of a response, on its way to a client. */
export interface ResponseHead {
  status: number;
  reason: string;
  /** What goes on to the client as it came, each line with its end. */
  fields: string;
  /** Whether Date is among them. */
  dated: boolean;
  framing: ResponseFraming;
}

/** One request of a client and the response to it, whichever HTTP the client speaks. */
export interface ClientRequest {
  user: ClientUser | null;
  readonly head: ClientHead;
  readonly peer: string | undefined;
  readonly scheme: Scheme;
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";
  /** Absent: nobody looks on. */
  readonly notes?: RequestNotes;
  /** Its response has begun: it can only go on or break off. */
  readonly begun: boolean;
  readonly gone: boolean;
  /** All of its body has come. */
  readonly bodyComplete: boolean;
  /** What came behind its body; known when that is complete. */
  readonly trailers: Trailers;
  /** Chunks of the replica may be passed on as they are, by `writeChunks`. */
  readonly takesChunks: boolean;
  /** Whether the body is to be read, and not to be left with the client. */
  wantBody(wants: boolean): void;
  /** The body may come. Said once, and only to a client that awaits it. */
  writeContinue(): void;
  /** Tells at once what the response is likely to have (103), in lines. */
  hint(fields: string): void;
  /** The head waits for the first piece of the body, or for `flush`. */
  begin(head: ResponseHead): void;
  /** Sends the head if nothing has gone with it yet. */
  flush(): void;
  /** A piece of the body, from a buffer that is used again. False: `onClientRoom` tells when there is room for more. */
  write(chunk: Buffer): boolean;
  /** Whole chunks with their framing. */
  writeChunks?(chunks: Buffer): boolean;
  /** The end of the response, with the last piece of its body if there is one. */
  end(last: Buffer | null, trailers: Trailers): void;
  /** Answers with a sentence. What may still come of the body is not waited for. */
  refuse(refusal: Refusal): void;
  /** The client must see that its response broke off: never a clean end. */
  truncate(): void;
  /** The client's socket, for a WebSocket that the head asks for: a replica has agreed. */
  switch?(): Inlet;
}

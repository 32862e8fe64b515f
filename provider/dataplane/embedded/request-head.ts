import { METHODS } from "node:http";
import { FieldKind, fieldValue, tokensOf, withoutNamed } from "./fields";
import { bytesOf, FAULT, HeadScan } from "./head-scan";
import type { Refusal } from "./refusal";

export type BodyFraming = { framing: "none" } | { framing: "length"; length: number } | { framing: "chunked" };

/** What a client asks for, as its head says it. */
export interface ClientHead {
  /** How long it was, with its empty line. */
  bytes: number;
  method: string;
  /** With its query; the authority of a target in absolute form has become `host`. */
  path: string;
  minor: 0 | 1;
  host: string;
  /** What goes on to the replica as it came, each line with its end. */
  fields: string;
  /** All lines as they came, for what is asked of them seldom. */
  all: string;
  authorization: string | null;
  /** False: Connection names it as the hop's. */
  passesAuthorization: boolean;
  /** As it was declared. */
  length: number | null;
  forwardedFor: string | null;
  forwardedProto: boolean;
  pin: string | null;
  body: BodyFraming;
  keepAlive: boolean;
  /** What it awaits besides an answer: a "100 Continue" before it sends its body, or to speak WebSocket from then on. */
  kind: "plain" | "expectsContinue" | "upgrade";
}

/** A head that is no head: what a client gets an answer by that never sent a proper one. */
export const UNREAD: ClientHead = {
  bytes: 0,
  method: "GET",
  path: "/",
  minor: 1,
  host: "",
  fields: "",
  all: "",
  authorization: null,
  passesAuthorization: false,
  length: null,
  forwardedFor: null,
  forwardedProto: false,
  pin: null,
  body: { framing: "none" },
  keepAlive: false,
  kind: "plain",
};

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const VERSION = " HTTP/1.";
/** No bytes above ASCII, and no fragment: neither is part of a target. */
const IN_TARGET = bytesOf((char) => /[!"$-~]/.test(char));
const ABSOLUTE_FORM = /^https?:\/\/([A-Za-z0-9\-._~%:[\]]+)([/?][^]*)?$/i;
/** What an authority may be made of, RFC 3986; an empty one too. */
const HOST = /^[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]*$/;

const NO_BODY: BodyFraming = { framing: "none" };
const CHUNKED: BodyFraming = { framing: "chunked" };

const HEAD_END = Buffer.from("\r\n\r\n");
const scan = new HeadScan();

/**
 * Reads the head of a request, which begins at `from`, by RFC 9112: what two parsers could read in two ways is refused, never
 * guessed. Null: it is not whole yet.
 */
export function parseRequestHead(data: Buffer, from: number): ClientHead | Refusal | null {
  const end = scan.run(data, from);
  if (end < 0) {
    // However its bytes are cut, the answer is the same.
    if (data.indexOf(HEAD_END, from) === -1) return null;
    return bad(end === FAULT.noName ? "A header line has no proper name." : "A header has control characters.");
  }
  // With the end of its last line.
  const head = data.toString("latin1", from, end - 2);
  const { firstEnd } = scan;
  const space = head.indexOf(" ");
  const method = methodOf(head, space);
  const versionAt = firstEnd - VERSION.length - 1;
  const minor = head.charCodeAt(firstEnd - 1) - 48;
  if (method === null || versionAt <= space + 1 || !head.startsWith(VERSION, versionAt) || (minor !== 0 && minor !== 1))
    return bad("The first line is no request line of HTTP/1.1.");
  for (let at = from + space + 1; at < from + versionAt; at += 1)
    if (IN_TARGET[data[at]!] === 0) return bad("The first line is no request line of HTTP/1.1.");
  if (method === "CONNECT") return { status: 501, sentence: "CONNECT is not understood: this is no forward proxy." };
  const target = targetOf(method, head.slice(space + 1, versionAt));
  if (target === null) return bad("The target is neither a path nor an http URL.");

  const first = firstEnd + 2;
  let fields = "";
  // From here on the lines are to be passed on as they are; a run of them is copied at once.
  let run = first;
  let host: string | null = null;
  let authorization: string | null = null;
  let forwardedFor: string | null = null;
  let forwardedProto = false;
  let pin: string | null = null;
  let length: number | null = null;
  let chunked = false;
  let connection: string | null = null;
  let upgrade: string | null = null;
  let expect: string | null = null;
  for (let note = 0; note < scan.noted; note += 1) {
    const start = scan.starts[note]!;
    const colon = scan.colons[note]!;
    const to = scan.ends[note]!;
    const value = fieldValue(head, colon + 1, to);
    switch (scan.kinds[note]!) {
      // The scan notes neither of the first two.
      case FieldKind.EndToEnd:
      case FieldKind.Invalid:
      case FieldKind.Date:
        continue;
      case FieldKind.ForwardedProto:
        forwardedProto = true;
        continue;
      case FieldKind.Pin:
        pin = listed(pin, value);
        continue;
      case FieldKind.Authorization:
        // Two of them are a list that is no token.
        authorization = listed(authorization, value);
        break;
      case FieldKind.Host:
        if (host !== null) return bad("The request has more than one Host header: send one.");
        if (!HOST.test(value)) return bad("The Host header is no host.");
        host = value;
        break;
      case FieldKind.ContentLength:
        if (length !== null) return bad("The request has more than one Content-Length: send one.");
        // A blank behind it may be a space only: other parsers, Node's among them, refuse a tab there.
        if (!/^[ \t]*\d{1,15} *$/.test(head.slice(colon + 1, to))) return bad("The Content-Length is not a number.");
        length = Number(value);
        break;
      case FieldKind.TransferEncoding:
        if (chunked || !/^[ \t]*chunked *$/i.test(head.slice(colon + 1, to)))
          return {
            status: 501,
            sentence: "Only `Transfer-Encoding: chunked` is understood: send the body without another coding.",
          };
        chunked = true;
        break;
      case FieldKind.Connection:
        connection = listed(connection, value);
        break;
      case FieldKind.ForwardedFor:
        forwardedFor = listed(forwardedFor, value);
        break;
      case FieldKind.Upgrade:
        upgrade = listed(upgrade, value);
        break;
      case FieldKind.Expect:
        expect = listed(expect, value);
        break;
      case FieldKind.HopByHop:
      case FieldKind.KeepAlive:
        break;
    }
    if (start > run) fields += head.slice(run, start);
    run = to + 2;
  }
  if (run < head.length) fields += head.slice(run);
  if (chunked && length !== null)
    return bad("The request has both Content-Length and Transfer-Encoding: send one of them.");
  if (chunked && minor === 0) return bad("A request of HTTP/1.0 cannot be chunked.");
  if (host === null && minor === 1) return bad("The request has no Host header: send one.");
  if (expect !== null && minor === 1 && expect.toLowerCase() !== "100-continue")
    return { status: 417, sentence: "Only `Expect: 100-continue` is understood." };

  const names = connection === null || isCommon(connection) ? null : tokensOf(connection);
  const bodiless = !chunked && length === null;
  const asksForWebSocket =
    method === "GET" &&
    minor === 1 &&
    bodiless &&
    upgrade?.toLowerCase() === "websocket" &&
    names?.has("upgrade") === true;
  return {
    bytes: end - from,
    method,
    path: target.path,
    minor,
    host: target.host ?? host ?? "",
    fields: names === null ? fields : withoutNamed(fields, names),
    all: head.slice(first),
    authorization,
    passesAuthorization: names?.has("authorization") !== true,
    length,
    forwardedFor,
    forwardedProto,
    pin,
    body: chunked ? CHUNKED : length === null || length === 0 ? NO_BODY : { framing: "length", length },
    keepAlive: staysOpen(minor, connection, names),
    kind: asksForWebSocket ? "upgrade" : expect !== null && minor === 1 ? "expectsContinue" : "plain",
  };
}

/** How the client speaks to us; to replicas we always speak in clear. */
export type Scheme = "http" | "https";

/**
 * The head as the replica gets it: hop-by-hop fields gone, X-Forwarded-* added, all else as it came. `hop` is what we say
 * to the replica for ourselves. With tokens, Authorization is meant for us: a replica and its logs do not get it.
 */
export function headForReplica(
  head: ClientHead,
  { peer, scheme, hop, withTokens }: { peer: string | undefined; scheme: Scheme; hop: string; withTokens: boolean },
): string {
  let text = head.method + " " + head.path + " HTTP/1.1\r\nhost: " + head.host + "\r\n" + hop + head.fields;
  if (head.authorization !== null && head.passesAuthorization && !withTokens)
    text += "authorization: " + head.authorization + "\r\n";
  // None on a unix socket: there the engine in front has added the client already.
  const forwardedFor = peer === undefined ? head.forwardedFor : listed(head.forwardedFor, peer);
  if (forwardedFor !== null) text += "x-forwarded-for: " + forwardedFor + "\r\n";
  if (!head.forwardedProto) text += "x-forwarded-proto: " + scheme + "\r\n";
  if (head.body.framing === "chunked") return text + "transfer-encoding: chunked\r\n\r\n";
  return head.length === null ? text + "\r\n" : text + "content-length: " + head.length + "\r\n\r\n";
}

/** What the client said of this field, in one list; null: nothing. */
export function fieldOf({ all }: Pick<ClientHead, "all">, name: string): string | null {
  let found: string | null = null;
  const separator = name === "cookie" ? "; " : ", ";
  for (const line of all.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon !== name.length || line.slice(0, colon).toLowerCase() !== name) continue;
    const value = fieldValue(line, colon + 1, line.length);
    found = found === null ? value : found + separator + value;
  }
  return found;
}

/** Null: there is none, or nobody knows it. */
function methodOf(head: string, space: number): string | null {
  if (space === 3 && head.startsWith("GET")) return "GET";
  if (space === 4 && head.startsWith("POST")) return "POST";
  const method = head.slice(0, Math.max(0, space));
  return KNOWN_METHODS.has(method) ? method : null;
}

function bad(sentence: string): Refusal {
  return { status: 400, sentence };
}

function listed(before: string | null, value: string): string {
  return before === null ? value : before + ", " + value;
}

/** `GET http://host/path` is allowed in a request to a proxy; the replica gets the path, and the authority as Host. */
function targetOf(method: string, target: string): { path: string; host: string | null } | null {
  if (target.charCodeAt(0) === 47) return { path: target, host: null };
  if (target === "*") return method === "OPTIONS" ? { path: target, host: null } : null;
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) return null;
  const path = absolute[2] ?? "/";
  return { path: path.startsWith("/") ? path : "/" + path, host: absolute[1]! };
}

function isCommon(connection: string): boolean {
  return connection === "keep-alive" || connection === "close" || connection === "Keep-Alive";
}

function staysOpen(minor: 0 | 1, connection: string | null, names: ReadonlySet<string> | null): boolean {
  if (connection === "close" || names?.has("close") === true) return false;
  if (minor === 1) return true;
  return names === null ? connection !== null : names.has("keep-alive");
}

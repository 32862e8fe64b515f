import type { IncomingMessage } from "node:http";
import type { BalancerSpec } from "../../core/spec/pool";
import { fieldKind, FieldKind } from "./fields";
import type { Refusal } from "./refusal";

export interface RequestHead {
  /** What goes to the replica, complete with the empty line. */
  text: string;
  body: { framing: "none" } | { framing: "length"; length: number } | { framing: "chunked" };
}

/**
 * The head as the replica gets it: hop-by-hop fields gone, X-Forwarded-* added, all else as it came. `hop` is what we say
 * to the replica for ourselves. With tokens, Authorization is meant for us: a replica and its logs do not get it.
 */
export function requestHead(
  req: IncomingMessage,
  { maxHeaderBytes, tokens }: Pick<BalancerSpec, "maxHeaderBytes" | "tokens">,
  hop = "",
): RequestHead | Refusal {
  const raw = req.rawHeaders;
  let fields = "";
  let host: string | null = null;
  let forwardedFor: string | null = null;
  let forwardedProto = false;
  let length: number | null = null;
  let chunked = false;
  let connection: string | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!;
    const value = raw[at + 1]!;
    switch (fieldKind(name)) {
      case FieldKind.EndToEnd:
        fields += name + ": " + value + "\r\n";
        break;
      case FieldKind.Authorization:
        if (tokens === undefined) fields += name + ": " + value + "\r\n";
        break;
      case FieldKind.Host:
        if (host !== null) return { status: 400, sentence: "The request has more than one Host header: send one." };
        host = value;
        break;
      case FieldKind.ContentLength:
        if (length !== null)
          return { status: 400, sentence: "The request has more than one Content-Length: send one." };
        if (!/^\d{1,15}$/.test(value)) return { status: 400, sentence: "The Content-Length is not a number." };
        length = Number(value);
        break;
      case FieldKind.TransferEncoding:
        if (chunked || value.trim().toLowerCase() !== "chunked")
          return {
            status: 501,
            sentence: "Only `Transfer-Encoding: chunked` is understood: send the body without another coding.",
          };
        chunked = true;
        break;
      case FieldKind.Connection:
        connection = connection === null ? value : connection + "," + value;
        break;
      case FieldKind.ForwardedFor:
        forwardedFor = forwardedFor === null ? value : forwardedFor + ", " + value;
        break;
      case FieldKind.ForwardedProto:
        forwardedProto = true;
        fields += name + ": " + value + "\r\n";
        break;
      case FieldKind.Invalid:
        return { status: 400, sentence: "A header of the request has no proper name." };
      case FieldKind.HopByHop:
      case FieldKind.KeepAlive:
      case FieldKind.Expect:
      case FieldKind.Upgrade:
        break;
    }
  }
  if (chunked && length !== null)
    return { status: 400, sentence: "The request has both Content-Length and Transfer-Encoding: send one of them." };
  if (connection !== null && !isCommon(connection)) fields = withoutNamed(fields, connection);

  // None on a unix socket: there the engine in front has added the client already.
  const peer = req.socket.remoteAddress;
  const target = originForm(req.url ?? "/");
  let text =
    req.method + " " + target.path + " HTTP/1.1\r\nhost: " + (target.host ?? host ?? "") + "\r\n" + hop + fields;
  if (peer !== undefined) forwardedFor = forwardedFor === null ? peer : forwardedFor + ", " + peer;
  if (forwardedFor !== null) text += "x-forwarded-for: " + forwardedFor + "\r\n";
  if (!forwardedProto) text += "x-forwarded-proto: http\r\n";
  if (chunked) text += "transfer-encoding: chunked\r\n\r\n";
  else if (length !== null) text += "content-length: " + length + "\r\n\r\n";
  else text += "\r\n";
  if (text.length > maxHeaderBytes)
    return {
      status: 431,
      sentence: `The request's header is larger than ${maxHeaderBytes} bytes (balancer.maxHeaderBytes).`,
    };

  if (chunked) return { text, body: { framing: "chunked" } };
  return { text, body: length === null || length === 0 ? { framing: "none" } : { framing: "length", length } };
}

/** `GET http://host/path` is allowed in a request to a proxy; the replica gets the path, and the authority as Host. */
export function originForm(url: string): { path: string; host: string | null } {
  if (url.charCodeAt(0) === 47 || url === "*") return { path: url, host: null };
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^#]*)/i.exec(url);
  if (absolute === null) return { path: "/" + url, host: null };
  const path = absolute[2]!;
  return { path: path.startsWith("/") ? path : "/" + path, host: absolute[1]! };
}

function isCommon(connection: string): boolean {
  return connection === "keep-alive" || connection === "close" || connection === "Keep-Alive";
}

/** The rare case of a Connection field that names others; what routing and framing rest on cannot be named away. */
function withoutNamed(fields: string, connection: string): string {
  const named = new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((token) => token.trim()),
  );
  return fields
    .split("\r\n")
    .filter((line) => line === "" || !named.has(line.slice(0, line.indexOf(":")).toLowerCase()))
    .join("\r\n");
}

import { fieldKind, FieldKind, hasControl } from "./fields";
import type { Refusal } from "./refusal";
import { parseRequestHead, type ClientHead } from "./request-head";

/**
 * Reads the fields of a request by HTTP/2, names and values in turn: as the head by HTTP/1.1 that they say, so that one set of
 * rules judges both. What HTTP/1.1 would read in another way than it was meant is refused before it can become a line.
 * `more`: a body follows, of whatever length.
 */
export function parseHttp2Head(fields: readonly string[], more: boolean, mostBytes: number): ClientHead | Refusal {
  const pseudo = new Map<string, string>();
  let lines = "";
  let host: string | null = null;
  let cookies: string | null = null;
  for (let at = 0; at < fields.length; at += 2) {
    const [name, value] = [fields[at]!, fields[at + 1]!];
    if (hasControl(value)) return bad("A header has control characters.");
    if (name.startsWith(":")) {
      if (pseudo.has(name)) return bad("The request says twice what it asks for.");
      pseudo.set(name, value);
      continue;
    }
    if (name !== name.toLowerCase()) return bad("A header of the request has no proper name.");
    if (name === "cookie") {
      cookies = cookies === null ? value : `${cookies}; ${value}`;
      continue;
    }
    switch (fieldKind(name)) {
      case FieldKind.Invalid:
        return bad("A header of the request has no proper name.");
      case FieldKind.Connection:
      case FieldKind.KeepAlive:
      case FieldKind.Upgrade:
      case FieldKind.TransferEncoding:
        return bad(`HTTP/2 knows no ${name}.`);
      case FieldKind.HopByHop:
        if (name === "proxy-connection" || (name === "te" && value !== "trailers"))
          return bad(`HTTP/2 knows no such ${name}.`);
        continue;
      case FieldKind.Host:
        if (host !== null) return bad("The request has more than one Host header: send one.");
        host = value;
        continue;
      default:
        lines += `\r\n${name}: ${value}`;
    }
  }
  const authority = pseudo.get(":authority");
  if (authority !== undefined && host !== null && authority.toLowerCase() !== host.toLowerCase())
    return bad("The request names two hosts: send the Host header with the same one, or leave it out.");
  const target = pseudo.get(":path") ?? authority ?? "";
  const named = authority ?? host;
  const text =
    `${pseudo.get(":method") ?? ""} ${target} HTTP/1.1` +
    (named === null ? "" : `\r\nhost: ${named}`) +
    lines +
    (cookies === null ? "" : `\r\ncookie: ${cookies}`);
  if (text.length > mostBytes)
    return {
      status: 431,
      sentence: `The request's header is larger than ${mostBytes} bytes (balancer.maxHeaderBytes).`,
    };
  const head = parseRequestHead(Buffer.from(`${text}\r\n\r\n`, "latin1"), 0)!;
  if ("status" in head || head.length !== null || !more) return head;
  return { ...head, body: { framing: "chunked" } };
}

function bad(sentence: string): Refusal {
  return { status: 400, sentence };
}

import { createRequire } from "node:module";
import { RequestParser } from "../../../provider/dataplane/embedded/request-parser";

/** A request as a parser read it, to its end. */
export interface Read {
  method: string;
  target: string;
  body: string;
  /** What follows it is in another protocol, or for nobody. */
  last: boolean;
}

export interface Verdict {
  reads: Read[];
  refused: boolean;
}

const MAX_HEADER_BYTES = 16_384;

/** Ours, given the bytes in these pieces. */
export function ours(pieces: readonly Buffer[]): Verdict {
  const verdict: Verdict = { reads: [], refused: false };
  let open: Read | null = null;
  const parser = new RequestParser(
    {
      takesRequest: true,
      takesBody: true,
      onRequest: ({ method, path, body, keepAlive }) => {
        open = { method, target: path, body: "", last: !keepAlive };
        if (body.framing === "none") end();
      },
      onBody: (chunk) => (open!.body += chunk.toString("latin1")),
      onBodyEnd: () => end(),
      onRefused: () => (verdict.refused = true),
    },
    () => MAX_HEADER_BYTES,
  );
  const end = (): void => {
    verdict.reads.push(open!);
    if (open!.last) parser.stop();
    open = null;
  };
  let left: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const data = left.length === 0 ? piece : Buffer.concat([left, piece]);
    left = data.subarray(parser.execute(data));
  }
  return verdict;
}

type Callback = (...args: never[]) => unknown;

/** What Node's own HTTP server reads with: llhttp, as strict as it can be. */
interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: Callback;
}

const { HTTPParser, methods } = createRequire(__filename)("_http_common") as {
  methods: string[];
  HTTPParser: (new () => NodeParser) &
    Record<"REQUEST" | "kLenientNone" | "kOnHeaders" | "kOnHeadersComplete" | "kOnBody" | "kOnMessageComplete", number>;
};

/** Node's parser on the same bytes. */
export function nodes(bytes: Buffer): Verdict {
  const verdict: Verdict = { reads: [], refused: false };
  let open: Read | null = null;
  let target = "";
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, MAX_HEADER_BYTES, HTTPParser.kLenientNone);
  parser[HTTPParser.kOnHeaders] = (_fields: string[], url: string) => void (target += url);
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    _fields: string[] | undefined,
    method: number,
    url: string | undefined,
    _status: number | undefined,
    _reason: string | undefined,
    upgrade: boolean,
    keepAlive: boolean,
  ) => {
    open = { method: methods[method]!, target: target + (url ?? ""), body: "", last: upgrade || !keepAlive };
    target = "";
    return 0;
  };
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => void (open!.body += chunk.toString("latin1"));
  parser[HTTPParser.kOnMessageComplete] = () => {
    verdict.reads.push(open!);
    open = null;
    // Trailers come by the same way as fields that are too many, and with the target once more.
    target = "";
  };
  verdict.refused = parser.execute(bytes) instanceof Error;
  return verdict;
}

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { ClientLimits } from "../client-limits";
import { BodyClock } from "./body-clock";
import type { ConnectionHost } from "./client-connection";
import type { ClientRequest, ClientUser, ResponseHead } from "./client-request";
import { pairsOf } from "./fields";
import { headOfRefusal, type Refusal } from "./refusal";
import type { ClientHead } from "./request-head";
import { Taking } from "./taking";
import { trailersOf, type Trailers } from "./trailers";

/** Of what a replica says of its response: HTTP/2 has no such field, whatever it would be for. */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set(["http2-settings"]);
/** A replica may name any number of three digits, HTTP/2 knows those of the standard only. */
const HIGHEST_STATUS = 599;
const EARLY_HINTS = 103;

/** A request by HTTP/2: a stream of its own, which nobody else's answer holds up. */
export class Http2Request implements ClientRequest {
  user: ClientUser | null = null;
  begun = false;
  gone = false;
  readonly scheme = "https";
  readonly protocol = "HTTP/2";
  readonly takesChunks = false;
  private over = false;
  bodyComplete: boolean;
  trailers: Trailers = null;
  /** Of the response. */
  private trailing: OutgoingHttpHeaders = {};
  private received = 0;
  private sent = 0;
  private continued = false;
  private wantsBody = false;
  private readonly clock = new BodyClock();
  private readonly taking = new Taking();

  constructor(
    readonly head: ClientHead,
    private readonly stream: ServerHttp2Stream,
    private readonly came: { peer: string | undefined; bodyFollows: boolean; host: Pick<ConnectionHost, "now"> },
    onOver: () => void,
  ) {
    this.bodyComplete = !came.bodyFollows;
    stream.pause();
    stream.on("data", (chunk: Buffer) => this.take(chunk));
    // Told before the end, whatever is still to be read.
    stream.on("trailers", (fields) => (this.trailers = trailersOf(fields)));
    stream.on("end", () => this.bodyEnded());
    stream.on("drain", () => this.user?.onClientRoom());
    stream.on("wantTrailers", () => {
      if (!stream.closed && !stream.destroyed) stream.sendTrailers(this.trailing);
    });
    stream.on("aborted", () => this.lost());
    // `close` always follows.
    stream.on("error", () => undefined);
    stream.on("close", () => {
      this.lost();
      onOver();
    });
    // Its end is read, or the stream would wait for that.
    if (this.bodyComplete) stream.resume();
  }

  get peer(): string | undefined {
    return this.came.peer;
  }

  /** Looks after the client's time. */
  sweep(now: number, limits: ClientLimits): void {
    const { writableLength: waiting } = this.stream;
    if (this.taking.stalledFor(now, { sent: this.sent, waiting }) > limits.stalledSeconds * 1000)
      return void this.stream.destroy(new Error("the client takes nothing of its response"));
    if (this.bodyComplete || this.over || !this.wantsBody) return;
    const late = this.clock.late(now, limits);
    if (late !== null) this.user?.onClientRefused({ status: 408, sentence: late });
  }

  wantBody(wants: boolean): void {
    this.wantsBody = wants;
    if (!wants) return void this.stream.pause();
    this.clock.wanted(this.came.host.now);
    this.stream.resume();
  }

  writeContinue(): void {
    if (this.head.kind !== "expectsContinue" || this.continued || this.gone) return;
    this.continued = true;
    this.stream.additionalHeaders({ ":status": constants.HTTP_STATUS_CONTINUE });
  }

  hint(fields: string): void {
    if (!this.gone) this.stream.additionalHeaders(headersOf(EARLY_HINTS, fields));
  }

  /** The head goes out at once: the library puts it together with what follows in the same moment. */
  begin({ status, fields, framing }: ResponseHead): void {
    this.begun = true;
    if (this.gone) return;
    // One whose body is still coming is ended by us, and so without trailers.
    const waitForTrailers = framing === "chunked" && this.bodyComplete;
    this.stream.respond(headersOf(status, fields), { endStream: framing === "none", waitForTrailers });
  }

  flush(): void {
    // Nothing is held back.
  }

  write(chunk: Buffer): boolean {
    if (chunk.length === 0 || this.stream.writableEnded) return true;
    this.sent += chunk.length;
    return this.stream.write(Buffer.from(chunk));
  }

  end(last: Buffer | null, trailers: Trailers): void {
    this.over = true;
    if (trailers !== null) this.trailing = fieldsOf(trailers);
    if (!this.stream.writableEnded) {
      if (last !== null) this.write(last);
      this.stream.end();
    }
    // The answer is whole, and the client need not send the rest.
    if (!this.bodyComplete) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }

  refuse(refusal: Refusal): void {
    const text = Buffer.from(`${refusal.sentence}\n`);
    this.begin(headOfRefusal(refusal, text.length));
    this.end(text, null);
  }

  truncate(): void {
    this.over = true;
    // Not by `close`: that would let it end properly first.
    this.stream.destroy(new Error("the response broke off"));
  }

  private take(chunk: Buffer): void {
    if (this.gone) return;
    this.received += chunk.length;
    this.clock.came(this.came.host.now);
    this.user?.onClientBody(chunk);
  }

  private bodyEnded(): void {
    if (this.gone || this.bodyComplete) return;
    this.bodyComplete = true;
    const { length } = this.head;
    // The library judges that too; but what reaches a replica rests on it.
    if (length !== null && length !== this.received)
      this.user?.onClientRefused({ status: 400, sentence: "The body is not as long as the Content-Length says." });
    else this.user?.onClientBodyEnd();
  }

  private lost(): void {
    if (this.over || this.gone) return;
    this.gone = true;
    this.user?.onClientGone();
  }
}

function headersOf(status: number, fields: string): OutgoingHttpHeaders {
  const headers = fieldsOf(pairsOf(fields));
  headers[":status"] = String(status <= HIGHEST_STATUS ? status : 502);
  return headers;
}

/** `fields`: names and values in turn. One that is there twice is a list; only of cookies that cannot be said. */
function fieldsOf(fields: readonly string[]): OutgoingHttpHeaders {
  const headers = Object.create(null) as Record<string, string | string[]>;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase();
    const value = fields[at + 1]!;
    if (NOT_IN_HTTP2.has(name)) continue;
    const before = headers[name];
    if (name === "set-cookie") headers[name] = [...(before ?? []), value];
    else headers[name] = before === undefined ? value : `${String(before)}, ${value}`;
  }
  return headers;
}

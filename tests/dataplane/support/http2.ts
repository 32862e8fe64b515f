import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import type { Tls } from "./client";
import { until } from "./until";

export interface Http2Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Http2Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: Buffer | string;
}

/** A session of its own; what breaks it is told by its streams. */
export function openHttp2(port: number, tls: Tls): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: tls.ca as string[] });
  session.on("error", () => undefined);
  return session;
}

/** One request on its own stream, judged: a reset rejects. */
export function askHttp2(session: ClientHttp2Session, ask: Http2Ask = {}): Promise<Http2Answer> {
  const { method, path = "/", headers, body } = ask;
  return new Promise((resolve, reject) => {
    const bodiless = body === undefined;
    const stream = session.request(
      { ...headers, ":method": method ?? (bodiless ? "GET" : "POST"), ":path": path },
      { endStream: bodiless },
    );
    const chunks: Buffer[] = [];
    let answer: IncomingHttpHeaders & { ":status"?: number } = {};
    stream.on("response", (fields) => (answer = fields));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      if (stream.rstCode === 0) {
        resolve({ status: answer[":status"]!, headers: answer, body: Buffer.concat(chunks).toString("latin1") });
      } else reject(new Error(`reset with code ${stream.rstCode}`));
    });
    if (!bodiless) stream.end(body);
  });
}

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** A connection that speaks frames, for what no client that keeps to the rules can be made to send. */
export class FrameClient {
  readonly frames: Frame[] = [];
  closed = false;
  private pending = Buffer.alloc(0);
  private constructor(readonly socket: TLSSocket) {
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.closed = true));
  }

  static async connect(port: number, tls: Tls): Promise<FrameClient> {
    const client = new FrameClient(connect({ ...tls, port, host: "127.0.0.1", ALPNProtocols: ["h2"] }));
    client.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send(FRAME.settings, 0, 0, Buffer.alloc(0));
    await until("the settings came", () => client.frames.some(({ type }) => type === FRAME.settings));
    client.send(FRAME.settings, 1, 0, Buffer.alloc(0));
    return client;
  }

  send(type: number, flags: number, stream: number, payload: Buffer): void {
    this.socket.write(frameOf(type, flags, stream, payload));
  }

  /** What became of a stream: how it was answered, or that it, or the whole connection, was ended. */
  async outcome(stream: number): Promise<"answered" | "reset" | "ended"> {
    let found: "answered" | "reset" | "ended" | null = null;
    await until(`stream ${stream} came to something`, () => {
      const own = this.frames.filter((frame) => frame.stream === stream);
      if (own.some(({ type }) => type === FRAME.headers)) found = "answered";
      else if (own.some(({ type }) => type === FRAME.reset)) found = "reset";
      else if (this.closed || this.frames.some(({ type }) => type === FRAME.goaway)) found = "ended";
      return found !== null;
    });
    return found!;
  }

  private read(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 9) {
      const length = this.pending.readUIntBE(0, 3);
      if (this.pending.length < 9 + length) return;
      const [type, flags, stream] = [this.pending[3]!, this.pending[4]!, this.pending.readUInt32BE(5) & 0x7fffffff];
      this.frames.push({ type, flags, stream, payload: this.pending.subarray(9, 9 + length) });
      this.pending = this.pending.subarray(9 + length);
    }
  }
}

export function frameOf(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Fields as literals, each byte as it is: nothing checks or mends them. */
export function fieldBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** What a plain GET says, and `more` behind it. */
export function getFields(more: [string, string][] = []): [string, string][] {
  return [[":method", "GET"], [":scheme", "https"], [":authority", "x"], [":path", "/"], ...more];
}

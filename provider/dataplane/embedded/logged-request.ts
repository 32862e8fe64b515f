import { LONGEST_PATH, roleOf, whyRefused, type AccessEntry } from "../access-entry";
import type { ClientRequest, ResponseHead } from "./client-request";
import type { Inlet } from "./inlet";
import type { Refusal } from "./refusal";
import { UNREAD } from "./request-head";
import type { Trailers } from "./trailers";
import { WatchedRequest } from "./watched-request";

/** A request whose line comes into the access log when it is over. */
export class LoggedRequest extends WatchedRequest {
  private readonly time = new Date().toISOString();
  private status: number | null = null;
  private bytes = 0;
  private firstByteAt: number | null = null;
  private refusal: Refusal | null = null;
  private over = false;

  constructor(
    client: ClientRequest,
    private readonly onOver: (entry: AccessEntry) => void,
  ) {
    super(client);
  }

  override unacceptable(refusal: Refusal): void {
    this.refusal = refusal;
  }

  override begin(head: ResponseHead): void {
    this.status = head.status;
    this.firstByteAt = performance.now();
    super.begin(head);
  }

  override write(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    return super.write(chunk);
  }

  override writeChunks(chunks: Buffer): boolean {
    this.bytes += chunks.length;
    return super.writeChunks(chunks);
  }

  override end(last: Buffer | null, trailers: Trailers): void {
    this.bytes += last?.length ?? 0;
    this.tell("whole");
    super.end(last, trailers);
  }

  override refuse(refusal: Refusal): void {
    this.status = refusal.status;
    this.refusal = refusal;
    this.bytes = this.head.method === "HEAD" ? 0 : Buffer.byteLength(refusal.sentence) + 1;
    this.tell("refused");
    super.refuse(refusal);
  }

  override truncate(): void {
    this.tell(this.refusal === null ? "cut" : "refused");
    super.truncate();
  }

  override switch(): Inlet {
    const inlet = super.switch();
    const { socket } = inlet;
    this.status = 101;
    this.firstByteAt = performance.now();
    const before = socket.bytesWritten;
    socket.once("close", () => {
      this.bytes = socket.bytesWritten - before;
      this.tell("whole");
    });
    return inlet;
  }

  override onClientGone(): void {
    this.tell("aborted");
    super.onClientGone();
  }

  private tell(end: AccessEntry["end"]): void {
    if (this.over) return;
    this.over = true;
    const { client, route, revision, member, startedAt, firstByteAt } = this;
    const head = client.head === UNREAD ? null : client.head;
    this.onOver({
      time: this.time,
      client: client.peer ?? null,
      method: head && head.method,
      path: head && head.path.split("?", 1)[0]!.slice(0, LONGEST_PATH),
      protocol: head && client.protocol,
      status: this.status,
      bytes: this.bytes,
      pool: route && route.pool,
      revision,
      role: route && roleOf(revision, route.versions),
      replica: member && member.desired.id,
      tries: this.tries,
      queueMs: Math.round(this.tries === 0 && route !== null ? performance.now() - startedAt : this.queueMs),
      firstByteMs: firstByteAt && Math.round(firstByteAt - startedAt),
      totalMs: Math.round(performance.now() - startedAt),
      end,
      ...(end === "refused" && { why: whyRefused(this.refusal!.status) }),
    });
  }
}

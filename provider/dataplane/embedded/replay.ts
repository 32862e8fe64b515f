import type { ClientRequest } from "./client-request";
import { lastChunk } from "./trailers";
import type { UpstreamConnection } from "./upstream-connection";

export interface BodyLimits {
  maxBodyBytes: number;
  replayBufferBytes: number;
}

/**
 * The body of one request on its way to a replica, kept as far as it was read so that another replica can get it from the
 * start. Nothing but its prefix is read before a replica is there to take it: the client is held back by TCP, not by our
 * memory.
 */
export class RequestBody {
  /** All of it went to a replica, or is kept for one. */
  complete = false;
  /** Null: it grew over the replay buffer and went to a replica, so this request has only one chance. */
  private kept: Buffer[] | null = [];
  private bytes = 0;
  private target: UpstreamConnection | null = null;
  private blocked = false;
  private dropped = false;

  constructor(
    private readonly client: ClientRequest,
    private readonly chunked: boolean,
    private readonly limits: BodyLimits,
    private readonly onTooLarge: () => void,
  ) {}

  get replayable(): boolean {
    return this.kept !== null;
  }

  /** True while it is the client who is slow, not the replica. */
  get awaitsClient(): boolean {
    return !this.complete && !this.blocked;
  }

  /** The connection must be open: a body that waits for a connect would be read into memory for nothing. */
  sendTo(target: UpstreamConnection): void {
    this.target = target;
    this.blocked = false;
    for (const chunk of this.kept ?? []) this.send(chunk);
    if (this.bytes > this.limits.replayBufferBytes) this.kept = null;
    if (this.complete) this.sendEnd();
    else if (!this.blocked) this.client.wantBody(true);
  }

  onWritable(): void {
    this.blocked = false;
    if (!this.complete) this.client.wantBody(true);
  }

  /** The replica is gone; what comes next goes to another one, or nowhere. */
  detach(): void {
    this.target = null;
    this.client.wantBody(false);
  }

  /** Nobody will want it any more. The rest is read and thrown away, or the client's connection could not go on. */
  drop(): void {
    this.dropped = true;
    this.target = null;
    this.kept = null;
    this.client.wantBody(true);
  }

  ended(): void {
    if (this.dropped) return;
    this.complete = true;
    if (this.target !== null) this.sendEnd();
  }

  received(chunk: Buffer): void {
    if (this.dropped) return;
    this.bytes += chunk.length;
    if (this.bytes > this.limits.maxBodyBytes) {
      this.drop();
      this.onTooLarge();
      return;
    }
    if (this.kept !== null) {
      if (this.target === null || this.bytes <= this.limits.replayBufferBytes) this.kept.push(chunk);
      else this.kept = null;
    }
    if (this.target === null) return;
    this.send(chunk);
    if (this.blocked) this.client.wantBody(false);
  }

  private send(chunk: Buffer): void {
    const target = this.target!;
    let ready: boolean;
    if (this.chunked) {
      target.socket.cork();
      target.write(chunk.length.toString(16) + "\r\n");
      target.write(chunk);
      ready = target.write("\r\n");
      target.socket.uncork();
    } else {
      ready = target.write(chunk);
    }
    if (!ready) this.blocked = true;
  }

  private sendEnd(): void {
    if (this.chunked) this.target!.write(lastChunk(this.client.trailers));
  }
}

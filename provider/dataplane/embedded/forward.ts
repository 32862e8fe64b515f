import { performance } from "node:perf_hooks";
import type { VersionMetrics } from "../../core/observed";
import type { ClientRequest, ClientUser, ResponseHead } from "./client-request";
import type { Member } from "./member";
import { count } from "../metrics";
import type { Waiter } from "./queue";
import type { Refusal } from "./refusal";
import { RequestBody } from "./replay";
import type { Key, Pin, Route } from "./route";
import type { Trailers } from "./trailers";
import type { Break, UpstreamConnection, UpstreamUser } from "./upstream-connection";
import { countFirstByte, countRequest } from "../version-counts";
import { webSocketIdleSeconds } from "../websocket-idle";
import { join } from "./websocket";

/** A request with what was found out about it. */
export interface Admitted {
  client: ClientRequest;
  /** The head as a replica gets it. */
  text: string;
  pin: Pin;
  key: Key;
}

/**
 * One request of a client from its arrival to the end of its response: waits for a replica, sends, passes the answer on,
 * and goes to another replica as long as the client has seen nothing of the first one. Every way out goes through
 * `letGo`, which gives back what it holds; a missed one would leave a replica looking busy forever.
 */
export class Exchange implements UpstreamUser, ClientUser, Waiter {
  private readonly client: ClientRequest;
  private readonly body: RequestBody | null;
  private member: Member | null = null;
  private connection: UpstreamConnection | null = null;
  private bodySent = false;
  private tried: Set<Member> | null = null;
  private last: Member | null = null;
  /** Attempts in which a replica may have begun the request. */
  private begun = 0;
  /** Of the present attempt. */
  private startedAt = 0;
  /** When the client began to wait: its version is judged by that, retries and queue included. 0: not yet. */
  private arrivedAt = 0;
  /** Of the version that was asked last; it takes the blame or the credit for the whole request. */
  private counts: VersionMetrics | null = null;
  private status = 0;
  private over = false;
  private waitUntil: number | null = null;
  private waitTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly route: Route,
    private readonly request: Admitted,
  ) {
    this.client = request.client;
    const { framing } = this.client.head.body;
    this.body =
      framing === "none"
        ? null
        : new RequestBody(this.client, framing === "chunked", route.balancer, () => this.bodyTooLarge());
  }

  /** `begun`: what was read of the body already. */
  start(begun: readonly Buffer[]): void {
    this.client.user = this;
    if (this.body !== null) {
      for (const piece of begun) this.body.received(piece);
      if (this.client.bodyComplete) this.body.ended();
    }
    if (!this.tryStart()) this.wait();
  }

  tryStart(): boolean {
    if (this.over) return true;
    const { pin, key } = this.request;
    if (pin !== null && !this.route.serves(pin)) {
      this.route.reject();
      this.answer({
        status: 503,
        sentence: `No replica serves version "${pin}" of ${this.route.prefix} now: leave out X-Pulumi-Serve-Version, or ask later.`,
      });
      return true;
    }
    const member = this.last === null ? this.route.first(pin, key) : this.route.next(pin, key, this.tried, this.last);
    if (member === null) return false;
    this.attempt(member);
    return true;
  }

  get takesChunks(): boolean {
    return this.client.takesChunks;
  }

  onHints(fields: string): void {
    this.client.hint(fields);
  }

  onHead(head: ResponseHead): void {
    const member = this.member!;
    const now = performance.now();
    count(member.metrics.timeToFirstByte, now - this.startedAt);
    head.fields += revisionLine(member);
    this.client.begin(head);
    this.status = head.status;
    countFirstByte(this.counts!, now - this.arrivedAt);
  }

  onBody(chunk: Buffer): void {
    if (!this.client.write(chunk)) this.connection!.socket.pause();
  }

  onChunks(chunks: Buffer): void {
    if (!this.client.writeChunks!(chunks)) this.connection!.socket.pause();
  }

  /** The head must not wait for the first piece of the body, which may be seconds away. */
  onReadDone(): void {
    this.client.flush();
  }

  onEnd(chunk: Buffer | null, trailers: Trailers): void {
    const member = this.member!;
    const { metrics, health } = member;
    const now = performance.now();
    metrics.completed += 1;
    count(metrics.latency, now - this.startedAt);
    countRequest(this.counts!, this.status >= 500 ? "failed" : "answered", now - this.arrivedAt);
    health.requestSucceeded();
    member.seenAlive();
    this.over = true;
    this.client.end(chunk, trailers);
    this.letGo();
  }

  /** The handshake is what is answered; how long the two then talk says nothing about the replica's speed. */
  onSwitch(fields: string, rest: Buffer): void {
    const { connection, member } = this;
    this.connection = null;
    this.member = null;
    this.over = true;
    const now = performance.now();
    count(member!.metrics.timeToFirstByte, now - this.startedAt);
    count(member!.metrics.latency, now - this.startedAt);
    member!.metrics.completed += 1;
    countFirstByte(this.counts!, now - this.arrivedAt);
    countRequest(this.counts!, "answered", now - this.arrivedAt);
    member!.health.requestSucceeded();
    const ends = { inlet: this.client.switch!(), connection: connection! };
    join(ends, { fields: fields + revisionLine(member!), rest }, webSocketIdleSeconds(this.route.balancer), () =>
      member!.release(),
    );
  }

  onWritable(): void {
    if (this.body === null) return;
    if (this.bodySent) this.body.onWritable();
    else this.sendBody();
  }

  onClientBody(chunk: Buffer): void {
    this.body!.received(chunk);
  }

  onClientBodyEnd(): void {
    this.body!.ended();
  }

  onClientRoom(): void {
    this.connection?.socket.resume();
  }

  onClientRefused(refusal: Refusal): void {
    if (!this.over) this.refuse(refusal);
  }

  onClientGone(): void {
    if (this.over) return;
    this.over = true;
    this.stopWaiting();
    this.route.queue.remove(this);
    this.letGo();
  }

  allowedSilence(): number {
    if (this.body !== null && this.bodySent && this.body.awaitsClient) return Infinity;
    return this.route.balancer.requestTimeoutSeconds * 1000;
  }

  onBreak(how: Break): void {
    const member = this.member!;
    this.connection = null;
    this.body?.detach();
    if (how.kind === "stale" && member.serving && this.mayRetry(how)) {
      // The replica never saw it: the same attempt again, on a connection that cannot be stale.
      this.send(member.pool.takeNew());
      return;
    }
    if (this.client.begun) {
      member.metrics.truncated += 1;
      this.countFailed();
      member.health.requestFailed(how.why);
      this.truncate();
      return;
    }
    this.blame(member, how);
    this.letGo();
    if (!this.mayRetry(how)) {
      this.countFailed();
      this.answer(failure(how));
    } else {
      if (how.kind !== "stale") member.tryFailed();
      (this.tried ??= new Set()).add(member);
      if (!this.tryStart()) this.wait();
    }
  }

  private attempt(member: Member): void {
    this.stopWaiting();
    member.acquire();
    if (this.last !== null) member.metrics.retries += 1;
    this.member = member;
    this.last = member;
    this.counts = member.counts;
    this.client.notes?.tried(member);
    this.startedAt = performance.now();
    if (this.arrivedAt === 0) this.arrivedAt = this.startedAt;
    // A reused connection may die under the request without saying whether the replica had begun it.
    this.send(this.route.balancer.retry.nonIdempotent ? member.pool.take() : member.pool.takeNew());
  }

  private send(connection: UpstreamConnection): void {
    const { method, kind } = this.client.head;
    this.connection = connection;
    this.bodySent = false;
    connection.begin(this, method, this.request.text, kind === "upgrade");
    if (this.body !== null && connection.isOpen) this.sendBody();
    connection.flush();
  }

  private sendBody(): void {
    this.bodySent = true;
    this.client.writeContinue();
    this.body!.sendTo(this.connection!);
  }

  private blame(member: Member, how: Break): void {
    switch (how.kind) {
      case "stale":
        // It had left the routing meanwhile: neither an attempt nor an error of its own.
        member.metrics.attempts -= 1;
        return;
      case "connect":
        member.metrics.errors += 1;
        member.health.connectFailed(how.why);
        return;
      case "closed":
      case "framing":
      case "silent":
        member.metrics.errors += 1;
        this.begun += 1;
        member.health.requestFailed(how.why);
        return;
    }
  }

  private mayRetry(how: Break): boolean {
    if (how.kind === "connect") return true;
    const { retry } = this.route.balancer;
    return retry.nonIdempotent && (this.body === null || this.body.replayable) && this.begun <= retry.attempts;
  }

  /** Nobody can take it now. A second without any replica is no reason to fail, so it waits its time. */
  private wait(): void {
    const { maxQueue, queueTimeoutSeconds } = this.route.balancer;
    const now = performance.now();
    const firstTime = this.waitUntil === null;
    if (this.arrivedAt === 0) this.arrivedAt = now;
    const mayWait = this.route.sleeps ? this.route.wakeSeconds! : queueTimeoutSeconds;
    this.waitUntil ??= now + mayWait * 1000;
    this.tried = null;
    if (firstTime && this.route.queue.size >= maxQueue) {
      this.giveUp(
        `Too many requests are waiting for a replica of ${this.route.prefix} (${maxQueue}): try again shortly.`,
      );
      return;
    }
    this.route.enqueue(this);
    this.waitTimer = setTimeout(
      () => {
        this.route.queue.remove(this);
        this.giveUp(
          `No replica of ${this.route.prefix} could take the request within ${mayWait} s: try again shortly.`,
        );
      },
      Math.max(0, this.waitUntil - now),
    );
  }

  private stopWaiting(): void {
    if (this.waitTimer === null) return;
    clearTimeout(this.waitTimer);
    this.waitTimer = null;
  }

  private giveUp(sentence: string): void {
    this.waitTimer = null;
    this.route.reject();
    this.countFailed();
    this.answer({ status: 503, sentence });
  }

  /** Where no replica was asked, no version is to blame: too many requests are not its fault. */
  private countFailed(): void {
    if (this.counts !== null) countRequest(this.counts, "failed", performance.now() - this.arrivedAt);
  }

  private bodyTooLarge(): void {
    if (this.over) return;
    const { maxBodyBytes } = this.route.balancer;
    this.refuse({ status: 413, sentence: `The body is larger than ${maxBodyBytes} bytes (balancer.maxBodyBytes).` });
  }

  /** What the client sends is not to be passed on. */
  private refuse(refusal: Refusal): void {
    if (!this.client.begun) return this.answer(refusal);
    this.client.notes?.unacceptable(refusal);
    this.truncate();
  }

  private answer(refusal: Refusal): void {
    this.over = true;
    this.stopWaiting();
    this.route.queue.remove(this);
    this.letGo();
    if (!this.client.gone) this.client.refuse(refusal);
  }

  /** The client must see that its response broke off: never a clean end. */
  private truncate(): void {
    this.over = true;
    this.letGo();
    this.client.truncate();
  }

  /** Gives back the connection and the place at the replica, whatever there is. */
  private letGo(): void {
    const { connection, member, body } = this;
    this.connection = null;
    this.member = null;
    // A connection whose request or response is not through would carry the rest of it into the next one. To be judged
    // before the rest of the body is thrown away.
    const through = connection !== null && connection.isAnswered && (body === null || body.complete);
    if (this.over) body?.drop();
    if (member === null) return;
    if (connection !== null) {
      if (through) member.pool.give(connection);
      else connection.destroy();
    }
    member.release();
  }
}

/** By which a client can tell what has answered it. */
function revisionLine({ revision }: Member): string {
  return "x-pulumi-serve-revision: " + revision + "\r\n";
}

function failure({ kind, why }: Break): Refusal {
  return kind === "silent"
    ? { status: 504, sentence: `The replica did not answer: ${why}.` }
    : { status: 502, sentence: `The replica failed before it answered: ${why}.` };
}

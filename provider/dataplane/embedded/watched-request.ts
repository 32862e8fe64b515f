import type { ClientRequest, ClientUser, RequestNotes, ResponseHead } from "./client-request";
import type { Inlet } from "./inlet";
import type { Member } from "./member";
import type { Refusal } from "./refusal";
import type { Route } from "./route";
import type { Trailers } from "./trailers";

/** A request that somebody looks on: it passes everything on, both ways, and keeps notes of it. */
export abstract class WatchedRequest implements ClientRequest, ClientUser, RequestNotes {
  user: ClientUser | null = null;
  protected readonly startedAt = performance.now();
  protected route: Route | null = null;
  protected member: Member | null = null;
  /** As it was when it got the request. */
  protected revision: string | null = null;
  protected tries = 0;
  protected queueMs = 0;

  constructor(protected readonly client: ClientRequest) {
    client.user = this;
  }

  get notes(): RequestNotes {
    return this;
  }

  routed(route: Route): void {
    this.route = route;
  }

  tried(member: Member): void {
    if (this.tries === 0) this.queueMs = performance.now() - this.startedAt;
    this.tries += 1;
    this.member = member;
    this.revision = member.revision;
  }

  unacceptable(_refusal: Refusal): void {
    // Only for those who tell why a response broke off.
  }

  get head(): ClientRequest["head"] {
    return this.client.head;
  }

  get peer(): string | undefined {
    return this.client.peer;
  }

  get scheme(): ClientRequest["scheme"] {
    return this.client.scheme;
  }

  get protocol(): ClientRequest["protocol"] {
    return this.client.protocol;
  }

  get begun(): boolean {
    return this.client.begun;
  }

  get gone(): boolean {
    return this.client.gone;
  }

  get bodyComplete(): boolean {
    return this.client.bodyComplete;
  }

  get trailers(): Trailers {
    return this.client.trailers;
  }

  get takesChunks(): boolean {
    return this.client.takesChunks;
  }

  wantBody(wants: boolean): void {
    this.client.wantBody(wants);
  }

  writeContinue(): void {
    this.client.writeContinue();
  }

  hint(fields: string): void {
    this.client.hint(fields);
  }

  begin(head: ResponseHead): void {
    this.client.begin(head);
  }

  flush(): void {
    this.client.flush();
  }

  write(chunk: Buffer): boolean {
    return this.client.write(chunk);
  }

  writeChunks(chunks: Buffer): boolean {
    return this.client.writeChunks!(chunks);
  }

  end(last: Buffer | null, trailers: Trailers): void {
    this.client.end(last, trailers);
  }

  refuse(refusal: Refusal): void {
    this.client.refuse(refusal);
  }

  truncate(): void {
    this.client.truncate();
  }

  switch(): Inlet {
    return this.client.switch!();
  }

  onClientBody(chunk: Buffer): void {
    this.user?.onClientBody(chunk);
  }

  onClientBodyEnd(): void {
    this.user?.onClientBodyEnd();
  }

  onClientRoom(): void {
    this.user?.onClientRoom();
  }

  onClientGone(): void {
    this.user?.onClientGone();
  }

  onClientRefused(refusal: Refusal): void {
    this.user?.onClientRefused(refusal);
  }
}

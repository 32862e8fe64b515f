import type { ClientHttp2Session } from "node:http2";
import { askHttp2 } from "./http2";

/** What a service says by it: it has not begun the request, which may be sent anew. */
const UNBEGUN = /NGHTTP2_REFUSED_STREAM|ERR_HTTP2_GOAWAY_SESSION/;

/**
 * Clients that ask without pause, several requests at once on a session each. One that is told to go takes another session,
 * and asks anew there what was not begun, as HTTP/2 has it; whatever else becomes of a request is judged.
 */
export class Http2Load {
  requests = 0;
  sessions = 0;
  readonly failures: string[] = [];
  private running = true;
  private readonly clients: Promise<void>[];

  constructor(
    private readonly open: () => ClientHttp2Session,
    { clients, atOnce }: { clients: number; atOnce: number },
  ) {
    this.clients = Array.from({ length: clients }, () => this.client(atOnce));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.clients);
  }

  private async client(atOnce: number): Promise<void> {
    let session: ClientHttp2Session | null = null;
    const askOn = async (): Promise<void> => {
      while (this.running) {
        if (session === null || session.closed || session.destroyed) {
          session = this.open();
          this.sessions += 1;
        }
        await this.ask(session);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, askOn));
    (session as ClientHttp2Session | null)?.close();
  }

  private async ask(session: ClientHttp2Session): Promise<void> {
    try {
      const { status, body } = await askHttp2(session);
      this.requests += 1;
      if (status !== 200) this.failures.push(`${status} ${body}`);
    } catch (error) {
      const said = `${(error as { code?: string }).code} ${String(error)}`;
      if (!UNBEGUN.test(said)) this.failures.push(said);
    }
  }
}

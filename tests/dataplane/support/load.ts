import { Agent } from "node:http";
import { ask, type Ask } from "./client";

/** Keep-alive clients that ask without pause. Each request is judged; nobody reconnects silently. */
export class Load {
  requests = 0;
  readonly failures: string[] = [];
  private running = true;
  private readonly clients: Promise<void>[];

  constructor(
    private readonly port: number,
    clients: number,
    private readonly next: () => Ask,
    private readonly agent = new Agent({ keepAlive: true, maxSockets: clients }),
  ) {
    this.clients = Array.from({ length: clients }, () => this.client());
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.clients);
    this.agent.destroy();
  }

  private async client(): Promise<void> {
    while (this.running) {
      this.requests += 1;
      try {
        const answer = await ask(this.port, { ...this.next(), agent: this.agent });
        if (answer.status !== 200) this.failures.push(`${answer.status} ${answer.body}`);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}

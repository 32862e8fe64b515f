import { existsSync } from "node:fs";
import { join } from "node:path";
import { sentenceOf } from "../core/errors";
import { spawnDetached } from "../host/child";
import type { ReviveCommand } from "./protocol";

/** How long after its connection broke another agent may still say hello by itself, in milliseconds. */
const BROKEN_MS = 500;
/** The same after a goodbye: a successor is on its way (a newer package version, an operator). */
const GOODBYE_MS = 15_000;
/** The same after our own start: whoever started us is about to say hello. */
const STARTED_MS = 5_000;
/** Where there is no agent to start: how long somebody may still come, until this process ends itself. */
const NOBODY_MS = 15_000;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 10_000;

/** Brings the agent back when it is gone: a service without one neither heals nor finishes its rollout. */
export class Reviver {
  private agents = 0;
  private timer: NodeJS.Timeout | null = null;
  private pause = FIRST_PAUSE_MS;
  private stopped = false;

  /** @param onNobody no agent ever came, or the service is gone: nobody will end this process but itself */
  constructor(
    private readonly folder: string,
    private readonly command: () => ReviveCommand | null,
    private readonly onNobody: () => void,
  ) {}

  started(): void {
    this.waitThenRevive(STARTED_MS);
  }

  agentCame(): void {
    this.agents += 1;
    this.pause = FIRST_PAUSE_MS;
    this.cancel();
  }

  agentWent(how: "broken" | "goodbye"): void {
    this.agents -= 1;
    if (this.agents === 0) this.waitThenRevive(how === "goodbye" ? GOODBYE_MS : BROKEN_MS);
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  private cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private waitThenRevive(milliseconds: number): void {
    this.cancel();
    if (this.stopped) return;
    this.timer = setTimeout(() => this.revive(), milliseconds);
  }

  private revive(): void {
    const wanted = existsSync(this.folder) ? this.command() : null;
    if (wanted === null) {
      this.timer = setTimeout(() => this.onNobody(), NOBODY_MS);
      return;
    }
    try {
      const pid = spawnDetached({ ...wanted, logFile: join(this.folder, "agent.log") });
      process.stderr.write(`the agent was gone and has been started again as process ${pid}\n`);
    } catch (error) {
      process.stderr.write(`the agent is gone and could not be started again: ${sentenceOf(error)}\n`);
    }
    // It said hello when `agentCame` cancels this; until then it counts as not having come back.
    this.waitThenRevive(this.pause + BROKEN_MS);
    this.pause = Math.min(LAST_PAUSE_MS, this.pause * 2);
  }
}

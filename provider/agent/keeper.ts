import { ServeError } from "../core/errors";
import type { Clock } from "../ports/clock";
import type { Store } from "../ports/store";

const LOOK_EVERY_MS = 1_000;
/** A started agent gets this long to take the lease before another one is started. */
const START_TAKES_MS = 6_000;
const MOST_STARTS = 4;

/** Sees to it, for as long as somebody follows, that an agent lives: it is the agent that does the work. */
export class AgentKeeper {
  private lookAt = 0;
  private starts = 0;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    /** Looks whether an agent lives, and starts one if none does. */
    private readonly ensure: () => Promise<unknown>,
  ) {}

  /** Cheap when called often. Throws AgentUnreachable when agents are started and none stays. */
  async keep(): Promise<void> {
    const now = this.clock.now();
    if (now < this.lookAt) return;
    const found = await this.ensure();
    this.lookAt = now + (found === "started" ? START_TAKES_MS : LOOK_EVERY_MS);
    if (found === "alive") this.starts = 0;
    if (found === "started" && ++this.starts > MOST_STARTS) {
      throw new ServeError({
        code: "AgentUnreachable",
        scope: "agent",
        retryable: true,
        reasons: [
          `The agent of ${this.store.identity} was started ${MOST_STARTS} times and did not stay: see ${this.store.location}/agent.log, then run \`pulumi up\` again.`,
        ],
      });
    }
  }
}

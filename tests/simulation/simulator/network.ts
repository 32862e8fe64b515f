import { ServeError } from "../../../provider/core/errors";
import { luck } from "./random";
import type { Fault, OrderKind } from "./scenario";
import type { Timeline } from "./timeline";

type NetworkFault = Extract<Fault, { kind: "network" }>;

/** What lies between a controller and those who carry its orders out: time, lost replies, late and double delivery. */
export class Network {
  readonly faults = new Set<NetworkFault>();
  private sent = 0;
  /** Deliveries that are still to come. */
  pending = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly seed: string,
  ) {}

  /** Resolves when the answer is there. The order takes effect whether or not its sender lives until then. */
  async send<T>(kind: OrderKind, effect: () => T): Promise<T> {
    this.sent += 1;
    const fate = (what: string) => luck(this.seed, what, kind, this.sent);
    const fault = [...this.faults].find((each) => each.order === kind && fate(each.how) < 0.5);
    const there = 5 + Math.round(150 * fate("there") ** 3);
    const back = 5 + Math.round(50 * fate("back"));
    switch (fault?.how) {
      case "late":
        this.deliver(fault.delayMs, effect);
        await this.timeline.sleep(there + back);
        throw lost(kind);
      case "duplicate":
      case "lostReply":
      case undefined:
    }
    await this.timeline.sleep(there);
    let answer: () => T;
    try {
      const value = effect();
      answer = () => value;
      // Clouds answer a request that they refused the same way when it comes again.
      if (fault?.how === "duplicate") this.deliver(fault.delayMs, effect);
    } catch (error) {
      answer = () => {
        throw error;
      };
    }
    await this.timeline.sleep(back);
    if (fault?.how === "lostReply") throw lost(kind);
    return answer();
  }

  private deliver(delayMs: number, effect: () => unknown): void {
    this.pending += 1;
    this.timeline.in(delayMs, () => {
      this.pending -= 1;
      try {
        effect();
      } catch (error) {
        // Refused, and nobody is there to hear it.
        if (!(error instanceof ServeError)) throw error;
      }
    });
  }
}

function lost(kind: OrderKind): ServeError {
  return new ServeError({
    code: kind === "launch" ? "LaunchFailed" : "DataPlaneUnreachable",
    scope: kind === "launch" ? "account" : "dataplane",
    retryable: true,
    reasons: [`No answer to ${kind} in time.`],
  });
}

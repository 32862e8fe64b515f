import { sentenceOf } from "../core/errors";
import type { Observed } from "../core/observed";
import type { Reporter } from "../ports/reporter";
import type { Parts } from "./parts";

/**
 * One look at the world. A look that failed is null and is said in the log when it begins and when it is over, not at
 * every tick: the world is never taken to be empty because we could not see it.
 */
export class Observer {
  private readonly blind = new Set<string>();

  constructor(private readonly parts: Parts) {}

  async look(
    actions: Pick<Observed, "launchErrors" | "routeError" | "reconfigured" | "gateAnswers">,
  ): Promise<Observed> {
    const { cloud, dataplane, prober, reporter } = this.parts;
    const [vms, routed] = await Promise.all([
      this.orNull("the list of VMs", () => cloud.list(), reporter),
      this.orNull("the data plane", () => dataplane.observe(), reporter),
    ]);
    return { vms, dataplane: routed, probes: prober.readings(), ...actions };
  }

  private async orNull<T>(what: string, look: () => Promise<T>, reporter: Reporter): Promise<T | null> {
    try {
      const seen = await look();
      if (this.blind.delete(what)) reporter.info(`${what} can be seen again`);
      return seen;
    } catch (error) {
      if (!this.blind.has(what)) reporter.warn(`${what} cannot be seen: ${sentenceOf(error)}`);
      this.blind.add(what);
      return null;
    }
  }
}

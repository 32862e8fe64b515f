import { sentenceOf } from "../core/errors";
import type { Intent } from "../core/intent";
import type { Observed } from "../core/observed";
import type { Price } from "../ports/cloud";
import type { Reporter } from "../ports/reporter";
import type { Versioned } from "../ports/store";
import type { Parts } from "./parts";

/** Prices move by the hour, and some clouds count how often they are asked. */
const PRICES_EVERY_MS = 30_000;

/**
 * One look at the world. A look that failed is null and is said in the log when it begins and when it is over, not at
 * every tick: the world is never taken to be empty because we could not see it.
 */
export class Observer {
  private readonly blind = new Set<string>();
  private prices: { seen: Price[] | null; at: number } | null = null;
  private declared: Versioned<Intent> | null = null;

  constructor(private readonly parts: Parts) {}

  /** What is declared, read again when there is a newer version: at rest there is none for days. */
  async intent(): Promise<Versioned<Intent>> {
    const { store } = this.parts;
    if (this.declared?.version !== (await store.intentVersion())) this.declared = await store.readIntent();
    return this.declared;
  }

  async look(
    actions: Pick<Observed, "launchErrors" | "routeError" | "reconfigured" | "gateAnswers">,
  ): Promise<Observed> {
    const { cloud, dataplane, prober, reporter } = this.parts;
    const [vms, notices, routed, prices] = await Promise.all([
      this.orNull("the list of VMs", () => cloud.list(), reporter),
      this.orNull("the cloud's notices", () => cloud.notices(), reporter),
      this.orNull("the data plane", () => dataplane.observe(), reporter),
      this.pricesNow(),
    ]);
    return { vms, notices, dataplane: routed, prices, probes: prober.readings(), ...actions };
  }

  /** They are looked at anew: those of another target may count now. */
  forgetPrices(): void {
    this.prices = null;
  }

  private async pricesNow(): Promise<Price[] | null> {
    const { clock, cloud, reporter } = this.parts;
    const now = clock.now();
    if (this.prices === null || Math.abs(now - this.prices.at) >= PRICES_EVERY_MS) {
      this.prices = { seen: await this.orNull("the prices", () => cloud.prices(), reporter), at: now };
    }
    return this.prices.seen;
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

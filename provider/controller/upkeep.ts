import { sentenceOf } from "../core/errors";
import type { Intent } from "../core/intent";
import type { PoolSpec } from "../core/spec/pool";
import type { State } from "../core/state";
import type { Parts } from "./parts";

const MAINTAIN_MS = 2_000;
const SWEEP_MS = 60_000;

/** What keeps disks bounded between ticks. A failure here never stops the service from being looked after. */
export class Upkeep {
  private maintainedAt = 0;
  private sweptAt: number;
  private failure: string | null = null;

  constructor(private readonly parts: Parts) {
    this.sweptAt = parts.clock.now();
  }

  async run(intent: Intent, state: State): Promise<void> {
    await this.maintain();
    // In a rollout the way back needs the files of revisions that the intent no longer names.
    const now = this.parts.clock.now();
    if (now - this.sweptAt < SWEEP_MS || state.rollout !== null) return;
    this.sweptAt = now;
    await this.attempt(() => this.parts.store.sweep(referredTo(intent, state)));
  }

  /** What the cloud has to do between ticks, such as cutting logs. */
  async maintain(): Promise<void> {
    const now = this.parts.clock.now();
    if (now - this.maintainedAt < MAINTAIN_MS) return;
    this.maintainedAt = now;
    await this.attempt(() => this.parts.cloud.maintain());
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.failure = null;
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence !== this.failure) this.parts.reporter.warn(`upkeep failed: ${sentence}`);
      this.failure = sentence;
    }
  }
}

/** Everything that a launch, a probe, a reconfiguration of a kept revision or a gate may still ask the store for. */
export function referredTo(intent: Intent, state: State): { blobs: Set<string>; secrets: Set<string> } {
  const specs = [
    ...Object.values(intent.pools).map(({ declared }) => declared),
    ...Object.values(state.pools).flatMap(({ primary, canary }) => [primary, canary]),
    ...state.history.flatMap(({ pools }) => Object.values(pools)),
  ].filter((spec): spec is PoolSpec => spec !== null);
  const gates = [intent.rollout?.strategy, state.rollout?.strategy].flatMap((strategy) => strategy?.gates ?? []);
  const present = (refs: (string | null)[]) => new Set(refs.filter((ref) => ref !== null));
  return {
    blobs: present(specs.map(({ launch }) => launch.workdirBlob)),
    secrets: present([
      ...specs.flatMap(({ launch, readiness, userConfig }) => [
        launch.envSecret,
        readiness.requestSecret,
        userConfig?.secret ?? null,
      ]),
      intent.service.spec.balancer.tls?.secret ?? null,
      ...gates.map((gate) => ("secret" in gate ? gate.secret : null)),
    ]),
  };
}

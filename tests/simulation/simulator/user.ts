import {
  createPool,
  createRollout,
  createService,
  deletePool,
  deleteRollout,
  deleteService,
  forgetPool,
  giveCommand,
  updatePool,
  updateRollout,
} from "../../../provider/core/declare";
import type { Verb } from "../../../provider/core/command";
import { ServeError } from "../../../provider/core/errors";
import { poolProgress, poolRemovalProgress, rolloutProgress, type Progress } from "../../../provider/core/follow";
import type { Intent } from "../../../provider/core/intent";
import type { PoolSpec } from "../../../provider/core/spec/pool";
import type { State } from "../../../provider/core/state";
import { targetOf } from "../../../provider/core/target";
import { beginIntent, changeIntent } from "../../../provider/handlers/write-intent";
import { intentOf, poolSpec } from "../intents";
import type { Program, ProgramPool, Scenario } from "./scenario";
import type { SimulatedWorld } from "./world";

const LOOK_EVERY_MS = 1_000;

export type UpResult = { kind: "done" } | { kind: "failed"; reason: string };

const NOT_WRITTEN: UpResult = { kind: "failed", reason: "The store could not be written." };

/** People and their CLIs. What they declare goes through the very functions that the handlers declare with. */
export class User {
  /** Of the `up` that runs; a newer one, or a kill, ends it. */
  private running = 0;

  constructor(private readonly world: SimulatedWorld) {}

  /** What the handlers of one `pulumi up` do, in Pulumi's order. Never settles when the CLI is killed. */
  async up(program: Program, killAfterMs: number | null): Promise<UpResult> {
    const run = (this.running += 1);
    if (killAfterMs !== null) this.world.timeline.in(killAfterMs, () => this.killCli(run));
    const specs = program.pools.map((pool) => specOf(this.world.scenario, pool));
    await this.begin();
    // It would wait for the end of the destroy and make another service: another life, which is not this scenario's.
    if (this.world.store.intent!.value.service.deleting) await new Promise<never>(() => undefined);
    for (const spec of specs) {
      const known = this.world.store.intent!.value.pools[spec.name];
      const asDeclared = known !== undefined && !known.deleting && known.declared.specHash === spec.specHash;
      if (asDeclared && this.look((intent, state) => poolProgress(intent, state, spec.name)).kind !== "failed")
        continue;
      const created = known === undefined || known.deleting;
      if (!(await this.change((intent) => (created ? createPool : updatePool)(intent, spec)))) return NOT_WRITTEN;
    }
    for (const { name } of specs) {
      const result = await this.follow(run, (intent, state) => poolProgress(intent, state, name));
      if (result.kind === "failed") return result;
    }
    const target = targetOf(specs);
    const declare = (intent: Intent) =>
      (intent.rollout === null ? createRollout : updateRollout)(intent, target, program.strategy);
    if (!(await this.change(declare))) return NOT_WRITTEN;
    const result = await this.follow(run, (intent, state) => rolloutProgress(intent, state, target));
    if (result.kind === "failed") return result;
    const gone = Object.keys(this.world.store.intent!.value.pools).filter(
      (name) => !specs.some((spec) => spec.name === name),
    );
    for (const name of gone) {
      const removed = await this.removePool(run, name);
      if (removed.kind === "failed") return removed;
    }
    return { kind: "done" };
  }

  private killCli(run: number): void {
    if (run === this.running) this.running += 1;
  }

  async verb(verb: Verb): Promise<void> {
    await this.change((intent) => giveCommand(intent, verb));
  }

  /** As `--target-replace` and `state taint` do: the new one is created before the old one is deleted. */
  async replace(what: "service" | "pool" | "rollout", pool: number): Promise<void> {
    const { value } = this.world.store.intent!;
    const name = Object.keys(value.pools).sort()[pool];
    const known = name === undefined ? undefined : value.pools[name];
    const { rollout } = value;
    switch (what) {
      case "service": {
        const { identity, uid, service } = value;
        await this.change((intent) => createService(intent, { identity, uid, spec: service.spec }));
        await this.change((intent) => deleteService(intent, service.incarnation));
        break;
      }
      case "pool":
        if (known === undefined || known.deleting) return;
        await this.change((intent) => createPool(intent, known.declared));
        await this.change((intent) => deletePool(intent, known.declared.name, known.incarnation));
        break;
      case "rollout":
        if (rollout === null) return;
        await this.change((intent) => createRollout(intent, rollout.target, rollout.strategy));
        await this.change((intent) => deleteRollout(intent, rollout.incarnation));
    }
  }

  async deletePool(pool: number): Promise<void> {
    const names = Object.keys(this.world.store.intent!.value.pools).sort();
    const name = names[pool];
    // Somebody must be left to serve, or nothing would be left to judge.
    if (name === undefined || names.length < 2) return;
    await this.removePool(this.running, name);
  }

  async deleteRollout(): Promise<void> {
    await this.change((intent) =>
      intent.rollout === null ? intent : deleteRollout(intent, intent.rollout.incarnation),
    );
  }

  async deleteService(): Promise<void> {
    this.running += 1;
    // A destroy that failed is run again.
    while (!(await this.change((intent) => deleteService(intent, intent.service.incarnation)))) {
      await this.world.timeline.sleep(LOOK_EVERY_MS);
    }
  }

  private async removePool(run: number, name: string): Promise<UpResult> {
    const incarnation = this.world.store.intent!.value.pools[name]!.incarnation;
    if (!(await this.change((intent) => deletePool(intent, name, incarnation)))) return NOT_WRITTEN;
    const result = await this.follow(run, (intent, state) => poolRemovalProgress(intent, state, name));
    if (result.kind === "done") await this.change((intent) => forgetPool(intent, name, incarnation));
    return result;
  }

  private async begin(): Promise<void> {
    if (this.world.store.destroyed) return;
    const { identity, uid, service } = intentOf([]);
    await beginIntent(
      this.world.store.port(),
      (intent) => intent ?? createService(null, { identity, uid, spec: service.spec }),
    );
    if (this.world.controller === undefined) this.world.startController();
  }

  /** False: the store could not be written, as far as who asked for it knows. */
  private async change(change: (intent: Intent) => Intent): Promise<boolean> {
    const { store, judge, timeline } = this.world;
    const before = store.intent?.version;
    try {
      await changeIntent(store.port(), change);
    } catch (error) {
      if (!(error instanceof ServeError)) throw error;
      // Else it is refused because the service is being destroyed, or gone: a person would read that.
      if (error.code === "StoreUnwritable") return false;
    } finally {
      // Also when only the reply was lost.
      if (store.intent?.version !== before) {
        judge.declared();
        timeline.in(100, () => this.world.ring());
      }
    }
    return true;
  }

  private look(progress: (intent: Intent, state: State | null) => Progress): Progress {
    const { store } = this.world;
    const seen = store.state !== null && store.state.value.intentVersion >= store.intent!.version;
    if (store.destroyed) return { kind: "failed", code: "Superseded", reasons: ["the service is gone"] };
    return seen
      ? progress(store.intent!.value, store.state!.value)
      : { kind: "working", line: "waiting for the agent" };
  }

  private async follow(run: number, progress: (intent: Intent, state: State | null) => Progress): Promise<UpResult> {
    for (;;) {
      await this.world.timeline.sleep(LOOK_EVERY_MS);
      if (run !== this.running) await new Promise<never>(() => undefined);
      const seen = this.look(progress);
      if (seen.kind === "done") return { kind: "done" };
      if (seen.kind === "failed") return { kind: "failed", reason: seen.reasons[0] };
    }
  }
}

function specOf({ revisions }: Scenario, pool: ProgramPool): PoolSpec {
  const { name, revision, replicas, drainSeconds, minReadySeconds, startupGraceSeconds, config, onRefusal } = pool;
  const { capacityWeight = 1, scaling = null, spot = null } = pool;
  const plain = poolSpec(name, revision, replicas);
  const { path } = revisions[revision]!;
  const userConfig = config === null ? null : configOf(config, onRefusal);
  return {
    ...plain,
    specHash: [
      ...[revision, replicas, capacityWeight, drainSeconds, minReadySeconds, startupGraceSeconds],
      ...[config ?? "", onRefusal],
      ...(scaling || spot ? [JSON.stringify([scaling, spot])] : []),
    ].join("/"),
    ...(capacityWeight !== 1 && { capacityWeight }),
    scaling,
    spot,
    route: `/${name}`,
    readiness: { ...plain.readiness, path, startupGraceSeconds },
    drainSeconds,
    minReadySeconds,
    userConfig,
  };
}

function configOf(hash: string, onRefusal: ProgramPool["onRefusal"]): PoolSpec["userConfig"] {
  return { hash, secret: `config-${hash}`, path: "/config", method: "POST", timeoutSeconds: 5, onRefusal };
}

import { checkEvents } from "../../../provider/core/check/check";
import type { ServeEvent } from "../../../provider/core/events";
import type { PoolSpec } from "../../../provider/core/spec/pool";
import type { Replica } from "../../../provider/core/state";
import { targetKey } from "../../../provider/core/target";
import type { Vm } from "./cloud";
import { hasConverged } from "./elastic-rules";
import { strike } from "./faults";
import type { Violation } from "./judge";
import { nameOf } from "./report";
import { isOperation, type Operation, type Scenario } from "./scenario";
import { User, type UpResult } from "./user";
import { SimulatedWorld } from "./world";

export interface RunResult {
  scenario: Scenario;
  /** The first rule that broke; null: all hold. */
  violation: Violation | null;
  virtualHours: number;
  /** How rollouts ended, by `outcome`. */
  outcomes: Record<string, number>;
  /** Steps that happened, by kind. */
  happened: Record<string, number>;
  rollouts: number;
  orphans: number;
  /** Controllers that lived, one after the other or beside each other. */
  controllers: number;
  /** The log's last events until it broke, for a person to read. */
  tail: readonly ServeEvent[];
}

const FIRST_DEPLOYMENT_MS = 3_600_000;
const TAIL = 30;

/** Plays a scenario to its end: first deployment, steps, calm, a last `up`, and the service's deletion. */
export async function run(scenario: Scenario): Promise<RunResult> {
  const world = new SimulatedWorld(scenario);
  const play = new Play(world);
  await play.all();
  return play.result();
}

class Play {
  private readonly user: User;
  private readonly happened: Record<string, number> = {};
  private lastUp: UpResult | "running" | null = null;
  private program = 0;
  /** The event at which the log first refutes an invariant. */
  private refutedAt: number | null = null;

  constructor(private readonly world: SimulatedWorld) {
    this.user = new User(world);
  }

  async all(): Promise<void> {
    const { scenario, timeline } = this.world;
    this.up(0, null);
    const first = Math.max(FIRST_DEPLOYMENT_MS, patienceMs(scenario));
    if (!(await this.until(() => this.lastUp !== "running" && this.isSettled(), first, "deploy"))) return;
    for (const step of scenario.steps) {
      timeline.in(step.at, () => {
        const what = nameOf(step);
        this.happened[what] = (this.happened[what] ?? 0) + 1;
        if (isOperation(step)) void this.operate(step);
        else strike(this.world, step);
      });
    }
    const last = Math.max(0, ...scenario.steps.map(({ at }) => at));
    const calmAt = timeline.now + last;
    const isCalm = () => timeline.now > calmAt && timeline.now > this.world.calmSince;
    await this.until(() => this.world.store.destroyed || isCalm(), 2 * last + 3_600_000, "calm");
    if (this.violation !== null) return;
    if (!(await this.finish())) return;
    this.judgeEnd();
    if (!(await this.comeAndGo())) return;
    void this.user.deleteService();
    await this.until(() => this.world.store.destroyed, patienceMs(scenario), "dissolve");
    // What is on its way arrives.
    const end = timeline.now + 60_000;
    timeline.in(60_000, () => undefined);
    await this.until(() => timeline.now >= end, 120_000, "end");
    this.judgeLog();
  }

  result(): RunResult {
    const { store, cloud, timeline, scenario } = this.world;
    const outcomes: Record<string, number> = {};
    for (const event of store.events) {
      if (event.kind === "rolloutEnded") outcomes[event.outcome] = (outcomes[event.outcome] ?? 0) + 1;
    }
    return {
      scenario,
      violation: this.violation,
      virtualHours: timeline.now / 3_600_000,
      outcomes,
      happened: this.happened,
      rollouts: store.events.filter(({ kind }) => kind === "rolloutStarted").length,
      orphans: store.destroyed ? cloud.living().length : 0,
      controllers: store.epoch,
      tail: store.events.filter(({ seq }) => seq <= (this.refutedAt ?? Infinity)).slice(-TAIL),
    };
  }

  private get violation(): Violation | null {
    return this.world.judge.violations[0] ?? null;
  }

  private up(program: number, killAfterMs: number | null): void {
    this.program = program;
    this.lastUp = "running";
    void this.user.up(this.world.scenario.programs[program]!, killAfterMs).then((result) => {
      this.lastUp = result;
      const { state, judge } = this.world;
      if (result.kind !== "done" || state === null || state.rollout !== null) return;
      // Not what somebody deleted after the Rollout was done, while the CLI still removed other pools.
      const { pools } = this.world.store.intent!.value;
      if (this.unserved().every((name) => pools[name]?.deleting !== false)) return;
      judge.broken("ended", "`up` said done and another revision serves");
    });
  }

  private async operate(step: Operation): Promise<void> {
    switch (step.kind) {
      case "up":
        return this.up(step.program, step.killAfterMs);
      case "verb":
        return this.user.verb(step.verb);
      case "replace":
        return this.user.replace(step.what, step.pool);
      case "deletePool":
        return this.user.deletePool(step.pool);
      case "deleteRollout":
        return this.user.deleteRollout();
      case "deleteService":
        return this.user.deleteService();
    }
  }

  /** Calm has returned: an `up` of the last program gets a definite answer, with an operator's help where it waits for one. */
  private async finish(): Promise<boolean> {
    const { store, timeline, scenario } = this.world;
    const isOver = () => store.destroyed || (this.lastUp !== "running" && this.isSettled());
    if (store.intent!.value.service.deleting) return true;
    const patience = patienceMs(scenario);
    this.world.gateOutcome = "passed";
    store.trouble = null;
    this.up(this.program, null);
    const resume = () => {
      if (isOver()) return;
      const { rollout } = this.world.state ?? {};
      const failedBefore = this.lastUp !== "running" && store.intent!.value.rollout?.driving === false;
      // For a pool, before it came to the Rollout: without a driver its rollout waits for nothing but another `up`.
      if (rollout && failedBefore) this.up(this.program, null);
      else if (rollout?.paused) void this.user.verb({ kind: "resume" });
      else if (rollout?.held) void this.user.verb({ kind: "promote", force: true });
      else if (rollout?.failed) void this.user.verb({ kind: "abort", mode: null });
      else if (rollout?.gate && rollout.settledAt !== null) void this.user.verb({ kind: "promote", force: true });
      timeline.in(30_000, resume);
    };
    timeline.in(30_000, resume);
    return this.until(isOver, patience, "finish");
  }

  /** Load comes back to whoever has none, and goes again. */
  private async comeAndGo(): Promise<boolean> {
    const { dataPlane, scenario, store } = this.world;
    if (!scenario.demand || store.destroyed || store.intent!.value.service.deleting) return this.violation === null;
    for (const requestsPerSecond of [6, 0]) {
      for (const pool of this.world.scaledPools()) dataPlane.demand(pool, requestsPerSecond);
      const what = `${requestsPerSecond} requests/s`;
      if (!(await this.until(() => this.isSettled(), patienceMs(scenario), what))) return false;
    }
    return true;
  }

  private isSettled(): boolean {
    const { state, store, dataPlane, cloud } = this.world;
    if (state === null || state.rollout !== null || state.intentVersion !== store.intent!.version) return false;
    if (dataPlane.inForce?.generation !== state.routing.generation) return false;
    const replicas = Object.values(state.replicas);
    // A revision that was promoted and then fails of itself comes and goes for ever.
    const sound = Object.values(state.pools).every(({ primary }) => this.isSound(primary!.revision));
    if (!sound) return this.beside().length === 0;
    if (replicas.length !== cloud.living().length || replicas.some(({ status }) => status !== "ready")) return false;
    return Object.entries(state.pools).every(
      // A pool that never came up is given up, and its `up` failed for it.
      ([name, { primary, hasServed, failures }]) =>
        this.isWhole(
          primary!,
          replicas.filter(({ pool }) => pool === name),
        ) ||
        (!hasServed && failures !== null),
    );
  }

  private isWhole(primary: PoolSpec, replicas: Replica[]): boolean {
    return hasConverged(this.world, primary, replicas);
  }

  private isSound(revision: string): boolean {
    const { start, failsAfterMs } = this.world.cloud.behaviour(revision);
    return start === "ready" && failsAfterMs === null;
  }

  private judgeEnd(): void {
    const { store, state, judge } = this.world;
    const intent = store.intent!.value;
    if (store.destroyed || intent.service.deleting || state === null) return;
    for (const { replicaId, revision, pool } of this.beside())
      judge.broken("ended", `${replicaId} of ${revision} lives beside ${state.pools[pool]?.primary?.revision}`);
    const key = intent.rollout === null ? null : targetKey(intent.rollout.target);
    // An \`up\` that failed for a pool never came to declare its Rollout.
    const cameUp = Object.values(state.pools).every(({ hasServed }) => hasServed);
    if (cameUp && this.unserved().length > 0 && key !== null && state.rejected[key] === undefined) {
      judge.broken("ended", "the target neither serves nor is rejected");
    }
  }

  /** Those of a revision that their pool does not serve. */
  private beside(): Vm[] {
    const { state, cloud } = this.world;
    return cloud
      .living()
      .filter(({ phase, revision, pool }) => phase === "up" && revision !== state?.pools[pool]?.primary?.revision);
  }

  /** The target's pools that serve another revision, or none. */
  private unserved(): string[] {
    const { store, state } = this.world;
    const target = store.intent?.value.rollout?.target ?? {};
    return Object.keys(target).filter((name) => state?.pools[name]?.primary?.revision !== target[name]!.revision);
  }

  private judgeLog(): void {
    const { judge, store, cloud } = this.world;
    if (this.violation !== null) return;
    for (const vm of cloud.living()) judge.broken("noOrphan", `${vm.replicaId} outlives its service`);
    for (const { invariant, violation } of checkEvents(store.events).verdicts) {
      if (violation === null) continue;
      this.refutedAt ??= violation.seq;
      judge.broken(`check ${invariant}`, `seq ${violation.seq}: ${violation.sentence}`);
    }
  }

  /** Lets time pass. False: a rule broke, or the deadline came first, which is a broken rule too. */
  private async until(condition: () => boolean, patience: number, what: string): Promise<boolean> {
    const { timeline, judge } = this.world;
    const deadline = timeline.now + patience;
    while (!condition()) {
      if (this.violation !== null) return false;
      if (timeline.now > deadline || !(await timeline.step())) {
        const why = `${what}: not over after ${Math.round(patience / 1000)} s; ${this.summary()}`;
        judge.broken("ends", why);
        return false;
      }
    }
    return this.violation === null;
  }

  private summary(): string {
    const { state, store } = this.world;
    const rollout = state?.rollout;
    return JSON.stringify({
      up: this.lastUp,
      controller: this.world.controller?.ending ?? "lives",
      seen: `${state?.intentVersion} of ${store.intent?.version}`,
      replicas: Object.values(state?.replicas ?? {}).map(
        ({ id, revision, market, status }) => `${id} ${revision} ${market} ${status}`,
      ),
      wanted: Object.values(state?.pools ?? {}).map(({ primary }) => `${primary?.name} ${primary?.replicas}`),
      rollout: rollout && { at: rollout.plan[rollout.cursor]?.kind, cursor: rollout.cursor, ...rollout.direction },
      weights: state?.routing.weights,
      refused: state?.refused,
      conditions: state?.conditions.map(({ message }) => message),
      failures: Object.values(state?.pools ?? {}).map(({ failures }) => failures),
    });
  }
}

/** How long calm may take to bring an end about: every state of the longest plan, at its slowest, several times over. */
function patienceMs({ programs, revisions }: Scenario): number {
  const slowest = Math.max(...Object.values(revisions).map(({ bootMs, drainMs }) => 2 * bootMs + drainMs));
  const pools = programs.flatMap(({ pools }) => pools);
  const ready = Math.max(...pools.map(({ minReadySeconds, drainSeconds }) => minReadySeconds + drainSeconds)) * 1000;
  const steps = Math.max(
    ...programs.map(({ pools, strategy }) => {
      const percent = strategy.kind === "surge" ? strategy.maxSurgePercent : 10;
      return Math.ceil(100 / percent) * (3 + 2 * pools.length);
    }),
  );
  const grace = Math.max(...pools.map(({ startupGraceSeconds }) => startupGraceSeconds)) * 1000;
  // What took or refused a replica is asked again within five minutes, and trusted after its caution.
  const markets = pools.map(({ spot }) => (spot ? 600 + 3 * spot.cautionSeconds + spot.minFallbackSeconds : 0));
  const delays = pools.map(({ scaling }) =>
    scaling ? scaling.max * (scaling.upscaleDelaySeconds + scaling.downscaleDelaySeconds + scaling.windowSeconds) : 0,
  );
  const elastic = 1000 * (Math.max(...markets) + Math.max(...delays));
  return 900_000 + elastic + 4 * grace + 3 * steps * (slowest + ready + 2_000);
}

import { POOL_DELETED } from "../../../provider/core/events";
import type { DesiredRouting } from "../../../provider/core/routing";
import type { RolloutProgress, State } from "../../../provider/core/state";
import type { Vm } from "./cloud";
import { ElasticRules } from "./elastic-rules";
import type { Sender } from "./process";
import { capOf, deficitsOf, hasFled, idleIn, servingIn, shareOf, sharedNeed, type Deficits } from "./rules";
import type { SimulatedWorld } from "./world";

export interface Violation {
  rule: string;
  sentence: string;
  at: number;
}

const ORPHAN_LIVES_MS = 60_000;
/** A drain is timed from its decision; the routing that leaves the replica out takes a moment to be in force. */
const ROUTING_TAKES_MS = 500;

/**
 * DESIGN section 5 over the world as it is, at the moment when each order takes effect. It knows the state file only for
 * what was decided (who rolls out what, how many), and owes nothing to the guard or to `check`.
 *
 * What the world takes opens a repair window: until everything is whole again, shares and traffic may fall because of
 * it. An order that was given before its sender could see the loss is not blamed either. Nothing excuses ending the
 * last healthy replica, ending one that serves, a launch over the cap, or acting before it is written down.
 */
export class Judge {
  readonly violations: Violation[] = [];
  private readonly journalled = new Set<string>();
  private readonly orphanSince = new Map<string, number>();
  private disturbedAt = -1;
  private repairing = false;
  private declaredAt = -1;
  private jumpedAt = -1;
  /** Which way the rollout goes, and since when: an order of before went the other one. */
  private plan = "";
  private plannedAt = -1;
  /** When each routing was first decided. */
  private readonly decidedAt = new Map<number, number>();
  /** By replica that drains: what was declared when it began to. */
  private readonly drains = new Map<string, number>();
  /** By pool and revision, as last decided: a noticed replica may still drain when its revision has gone. */
  private readonly drainSeconds = new Map<string, number>();
  /** The canary's highest share by the plan; fled: it stands in for lost primaries, and has not come back down yet. */
  private reached: { key: string; share: number; fled: boolean } = { key: "", share: 0, fled: false };

  private readonly elastic: ElasticRules;

  constructor(private readonly world: SimulatedWorld) {
    this.elastic = new ElasticRules(world, (rule, sentence) => this.broken(rule, sentence));
  }

  broken(rule: string, sentence: string): void {
    this.violations.push({ rule, sentence, at: this.world.timeline.now });
  }

  /** The world took or changed something that requests depend on. */
  disturbed(_why: string): void {
    this.disturbedAt = this.world.timeline.now;
    this.repairing = true;
  }

  declared(): void {
    this.declaredAt = this.world.timeline.now;
  }

  clockJumped(): void {
    this.jumpedAt = this.world.timeline.now;
  }

  persisted(state: State): void {
    const { pools, replicas, rollout, routing } = state;
    this.elastic.persisted(state, Math.max(this.disturbedAt, this.jumpedAt));
    for (const { primary, canary } of Object.values(pools)) {
      for (const spec of [primary, canary]) {
        if (spec !== null) this.drainSeconds.set(`${spec.name}/${spec.revision}`, spec.drainSeconds);
      }
    }
    if (!this.decidedAt.has(routing.generation)) this.decidedAt.set(routing.generation, this.world.timeline.now);
    for (const { id, status, pool, revision } of Object.values(replicas)) {
      this.journalled.add(id);
      if (status === "draining") this.drains.set(id, this.drains.get(id) ?? this.declaredDrain(pool, revision));
      else if (status === "ready") this.drains.delete(id);
    }
    // What it has settled at is reached, also where the canary stood in for lost primaries meanwhile.
    if (rollout?.settledAt && this.reached.key === keyOf(rollout)) {
      this.reached.share = Math.max(this.reached.share, rollout.plan[rollout.cursor]!.percent / 100);
    }
    const plan = rollout === null ? "" : `${rollout.id}/${rollout.growing}/${rollout.direction.kind}`;
    if (plan !== this.plan) this.plannedAt = this.world.timeline.now;
    this.plan = plan;
  }

  ticked(lookedAt: number): void {
    this.lookForOrphans();
    this.elastic.ticked();
    if (Object.values(deficitsOf(this.world)).every((deficit) => deficit <= 0)) this.elastic.whole();
    if (!this.repairing || lookedAt <= this.disturbedAt) return;
    const { cloud, dataPlane, state } = this.world;
    const whole =
      dataPlane.up &&
      dataPlane.inForce?.generation === state?.routing.generation &&
      Object.values(state!.replicas).every(
        ({ id, status }) => status !== "notReady" && (status !== "ready" || cloud.isHealthy(cloud.vms.get(id))),
      ) &&
      Object.values(deficitsOf(this.world)).every((deficit) => deficit <= 0);
    if (whole) this.repairing = false;
  }

  /** Carries an order out and judges what it did to those who serve. */
  ours(sender: Sender, order: string, effect: () => void, generation?: number): void {
    const before = deficitsOf(this.world);
    const need = sharedNeed(this.world);
    const served = servingIn(this.world);
    effect();
    const after = deficitsOf(this.world);
    const decidedAt = generation === undefined ? sender.lookedAt : (this.decidedAt.get(generation) ?? -1);
    // Right when it was decided; another number has been wanted since.
    if (decidedAt < this.elastic.retargetedAt) return;
    const serving = servingIn(this.world);
    const isFewer = (pool: string) => (serving[pool] ?? 0) < (served[pool] ?? 0);
    // While load that came is still too much for all who are there, a split takes from one what another one lacks.
    const least = this.elastic.isGrowing
      ? Object.fromEntries(Object.entries(after).filter(([what]) => isFewer(what.split(" ")[0]!)))
      : after;
    // A split that suits no pool may move the need to another one, but makes nobody lack more than the worst did before.
    const allowed = sharedNeed(this.world) > 0 ? need : 0;
    this.judgeDeficits(sender, order, { before, allowed, after: least });
    for (const [pool, count] of Object.entries(serving)) {
      if (count > 0 || (served[pool] ?? 0) === 0 || this.mayEndAll(pool) || this.isOlder(sender)) continue;
      this.broken("lastHealthy", `${order} left nobody to serve pool ${pool}`);
    }
  }

  launched(vm: Vm, sender: Sender): void {
    const { state, cloud } = this.world;
    if (!this.journalled.has(vm.replicaId)) {
      this.broken("writeAhead", `${vm.replicaId} was launched and is in no state that was ever persisted`);
    }
    const pool = state?.pools[vm.pool];
    if (state === null || pool === undefined || this.isOlder(sender)) return;
    const limit = this.elastic.mostFor(vm) ?? capOf(state, vm.pool);
    const others = cloud
      .living()
      .filter((each) => each.pool === vm.pool && each.takenAt === null && !cloud.isHidden(each));
    if (others.length > limit) {
      const names = others.map(({ replicaId }) => `${replicaId}${replicaId in state.replicas ? "" : " (unknown)"}`);
      this.broken(
        "cap",
        `${vm.replicaId} is VM ${others.length} of pool ${vm.pool}, which may have ${limit}: ${names.join(" ")}`,
      );
    }
  }

  terminated(vm: Vm, sender: Sender): void {
    const { state, cloud } = this.world;
    const { replicaId } = vm;
    const known = state?.replicas[replicaId];
    if (known !== undefined && known.status !== "terminating") {
      this.broken("writeAhead", `${replicaId} was ended while the persisted state calls it ${known.status}`);
    }
    this.judgeDrain(vm, "ended", cloud.isHealthy({ ...vm, phase: "up" }), sender);
  }

  restarted(vm: Vm, before: Vm & { served: boolean }, sender: Sender): void {
    const known = this.world.state?.replicas[vm.replicaId];
    if (known?.status !== "terminating" && (known?.restarts ?? 0) < vm.restarts) {
      this.broken("writeAhead", `${vm.replicaId} was restarted, and the persisted state does not know of it`);
    }
    this.judgeDrain(before, "restarted", before.served, sender);
  }

  private judgeDrain(vm: Vm, how: string, served: boolean, sender: Sender): void {
    const { dataPlane, timeline } = this.world;
    const { replicaId } = vm;
    // What the world has struck down, or hid behind an engine that is down, serves nobody.
    if (!served || !dataPlane.up || sender.lookedAt <= this.disturbedAt) return;
    if (dataPlane.members().has(replicaId))
      this.broken("drainFirst", `${replicaId} was ${how} while it is in the routing`);
    const leftAt = dataPlane.leftAt(replicaId);
    if (leftAt === null || !dataPlane.isBusy(replicaId) || this.jumpedAt >= leftAt) return;
    // Its VM should have gone under its requests; one that stayed beyond its notice has its whole drain before it.
    if (vm.takenAt !== null && leftAt < vm.takenAt && timeline.now >= vm.takenAt) return;
    if (timeline.now - leftAt < this.drainMs(vm) - ROUTING_TAKES_MS) {
      this.broken(
        "drainFirst",
        `${replicaId} was ${how} ${timeline.now - leftAt} ms after it left, with requests running`,
      );
    }
  }

  routed(before: DesiredRouting | null, after: DesiredRouting, sender: Sender): void {
    const { state } = this.world;
    if (state === null || after.generation > state.routing.generation) {
      this.broken("writeAhead", `routing ${after.generation} was put in force before it was persisted`);
    }
    const rollout = state?.rollout;
    // Rolling strategies give each ready replica its share instead; their floor is judged with the deficits.
    if (!rollout || rollout.floor !== null) return;
    const key = keyOf(rollout);
    const is = shareOf(after, rollout);
    if (is === null) return;
    const was = before === null ? null : shareOf(before, rollout);
    // Another number of canaries is another share of what they can carry.
    const isComparable =
      this.reached.key === key && before !== null && !hasFled(before, rollout) && !hasFled(after, rollout);
    if (this.reached.key !== key) {
      const fled = this.reached.fled || (before !== null && hasFled(before, rollout));
      this.reached = { key, share: fled ? this.plannedShare() : (was ?? is), fled };
    }
    const isExcused = this.isExcused(sender) || this.decidedAt.get(after.generation)! < this.plannedAt;
    if (isComparable && !isExcused && was !== null) this.judgeTraffic(was, is);
    const { reached } = this;
    if (hasFled(after, rollout)) reached.fled = true;
    else if (is > (was ?? 0) || is <= reached.share) reached.fled = false;
    if (!reached.fled) reached.share = Math.max(reached.share, is);
  }

  /** Everything is said to be gone. */
  dissolving(): void {
    for (const vm of this.world.cloud.living()) {
      if (!this.world.cloud.isHidden(vm)) this.broken("noOrphan", `${vm.replicaId} lives when the service dissolves`);
    }
  }

  private judgeTraffic(was: number, is: number): void {
    const { strategy, direction, growing } = this.world.state!.rollout!;
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    const EPSILON = 1e-9;
    const isBack = direction.kind === "back" || growing === "primary";
    // Load that came makes both versions too few, and they share out the need until there are enough.
    if (this.elastic.isGrowing && (isBack ? is > was : is < was)) return;
    if (isBack) {
      // A canary that is held at a lowered share, and lost its replicas there, gets that share back.
      const most = direction.kind === "back" ? was : Math.max(was, this.plannedShare());
      if (is > most + EPSILON) this.broken("monotoneTraffic", `going back from ${percent(was)} to ${percent(is)}`);
      return;
    }
    const { share, fled } = this.reached;
    // A repair (DESIGN 4): down from where it stood in for lost primaries as they come back, not below the plan's share.
    if (is < (fled ? Math.min(was, share) : was) - EPSILON) {
      this.broken("monotoneTraffic", `forward from ${percent(was)} to ${percent(is)}`);
    }
    if (strategy.kind === "blueGreen" && is !== 0 && is !== 1) {
      this.broken("noMixing", `blueGreen gives the canary ${percent(is)}`);
    }
    const most = fled ? Math.max(was, share) : share;
    if (strategy.kind === "surge" && is > most + strategy.maxSurgePercent / 100 + EPSILON) {
      this.broken("monotoneTraffic", `from ${percent(most)} to ${percent(is)} in one step`);
    }
  }

  /** Of the canary, by the plan's present state. */
  private plannedShare(): number {
    const { canary, primary } = this.world.state!.routing.weights;
    return canary / Math.max(1, canary + primary);
  }

  private judgeDeficits(
    sender: Sender,
    order: string,
    { before, allowed, after }: { before: Deficits; allowed: number; after: Deficits },
  ): void {
    if (this.isExcused(sender)) return;
    const idle = idleIn(this.world);
    for (const [what, deficit] of Object.entries(after)) {
      if (idle.has(what) || deficit <= 1e-9 || deficit <= Math.max(allowed, before[what] ?? 0) + 1e-9) continue;
      this.broken("capacity", `${order} left ${what} short by ${(100 * deficit).toFixed(1)} %`);
    }
  }

  private isExcused(sender: Sender): boolean {
    return this.repairing || this.isOlder(sender);
  }

  /** Its sender could not know of the last loss, or of what was declared since. */
  private isOlder({ lookedAt }: Sender): boolean {
    return lookedAt <= Math.max(this.disturbedAt, this.declaredAt);
  }

  private mayEndAll(name: string): boolean {
    const { store, state } = this.world;
    const intent = store.intent!.value;
    if (intent.service.deleting || (intent.pools[name]?.deleting ?? true)) return true;
    if (intent.pools[name]?.declared.replicas === 0) return true;
    // Before its create has reached its target there is nothing to roll from: a new template applies directly.
    if (state?.pools[name]?.hasServed === false || state?.pools[name]?.takesTraffic === false) return true;
    const { primary = null } = state?.pools[name] ?? {};
    const isMoved = state?.rollout?.pools.some((pool) => pool.name === name) ?? false;
    if (primary?.scaling && primary.replicas === 0 && !isMoved) return true;
    // Deleted, and declared again before its drain was over: what was begun cannot be taken back.
    const left = Object.values(state?.replicas ?? {}).filter(({ pool }) => pool === name);
    if (left.some(({ reason }) => reason === POOL_DELETED)) return true;
    return state?.rollout?.floor?.[name] === 0;
  }

  private drainMs({ replicaId, pool, revision }: Vm): number {
    return 1000 * (this.drains.get(replicaId) ?? this.declaredDrain(pool, revision));
  }

  private declaredDrain(pool: string, revision: string): number {
    return this.drainSeconds.get(`${pool}/${revision}`) ?? 0;
  }

  private lookForOrphans(): void {
    const { cloud, state, timeline, calmSince } = this.world;
    if (calmSince > timeline.now) return;
    for (const vm of cloud.living()) {
      const { replicaId } = vm;
      if (vm.phase !== "up" || state?.replicas[replicaId] !== undefined || cloud.isHidden(vm)) {
        this.orphanSince.delete(replicaId);
        continue;
      }
      const since = Math.max(this.orphanSince.get(replicaId) ?? timeline.now, calmSince);
      this.orphanSince.set(replicaId, since);
      if (timeline.now - since > ORPHAN_LIVES_MS)
        this.broken("noOrphan", `${replicaId} belongs to nobody and lives on`);
    }
  }
}

/** Which way a rollout goes, and how far each pool's canary can go. */
function keyOf({ id, growing, direction, pools }: RolloutProgress): string {
  return `${id}/${growing}/${direction.kind}/${pools.map(({ to }) => to).join()}`;
}

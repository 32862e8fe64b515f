import { ServeError, type ErrorScope } from "../../../provider/core/errors";
import type { ConfigAnswer, ObservedVm, ProbeReading, VmExit } from "../../../provider/core/observed";
import type { Market } from "../../../provider/core/spot/candidate";
import type { LaunchRequest, Price, RestartRequest } from "../../../provider/ports/cloud";
import type { ConfigRequest } from "../../../provider/ports/configurer";
import type { ProbeTarget } from "../../../provider/ports/prober";
import { luck } from "./random";
import type { RevisionBehaviour, Scenario } from "./scenario";
import type { Timeline } from "./timeline";

export interface Vm {
  replicaId: string;
  pool: string;
  revision: string;
  zone: string;
  market: Market;
  phase: "up" | "ending" | "ended";
  /** When the program that runs was started, and when it listens; both by the timeline. */
  startedAt: number;
  bootedAt: number;
  exit: VmExit | null;
  /** Its probes fail until then. */
  sickUntil: number;
  restarts: number;
  /** Last userConfig that it took. */
  configured: string | null;
  /** Left out of every listing until then. */
  hiddenUntil: number;
  /** When it is taken, as the cloud has said, by the timeline; null: nothing was said. */
  takenAt: number | null;
  /** The cloud has recommended to be elsewhere. */
  atRisk: boolean;
}

export type VmChange = "booted" | "ended" | "lost" | "failing" | "noticed" | "atRisk";

/** How long an ended VM stays listed with its exit. */
const LISTED_AFTER_END_MS = 60_000;
const ENDING_MS = 200;
const PROBES_PASS = 3;
const ONLY_ZONE = ["a"];

/** What the cloud and the computers in it really are, told nothing but the truth to whoever judges. */
export class SimulatedCloud {
  /** All that ever were, by id: none runs twice. */
  readonly vms = new Map<string, Vm>();
  /** Those of them that a listing may still show, so that a long life is not spent on looking at the dead. */
  private readonly shown = new Set<Vm>();
  /** Launches are refused while this is set. */
  refusal: ErrorScope | null = null;
  throttled = false;
  /** Of launches, in percent. */
  throttledLaunches = 0;
  /** Places that give nothing just now, as `zone/market`, and how they say so. */
  readonly closed = new Map<string, ErrorScope>();
  bootTimes = 1;
  private asked = 0;
  private epoch = 0;
  private readonly tombstones = new Set<string>();
  private readonly endedAt = new Map<string, number>();

  constructor(
    private readonly timeline: Timeline,
    private readonly scenario: Scenario,
    /** A VM changed by itself. */
    private readonly onChange: (vm: Vm, what: VmChange) => void,
  ) {}

  living(): Vm[] {
    return [...this.shown].filter(({ phase }) => phase !== "ended");
  }

  /** Serves every request that reaches it. */
  isHealthy(vm: Vm | undefined): boolean {
    if (vm === undefined || vm.phase !== "up" || this.timeline.now < vm.bootedAt) return false;
    const { start, failsAfterMs } = this.behaviour(vm.revision);
    if (start !== "ready" || this.timeline.now < vm.sickUntil) return false;
    return failsAfterMs === null || this.timeline.now < vm.bootedAt + failsAfterMs;
  }

  behaviour(revision: string): RevisionBehaviour {
    return this.scenario.revisions[revision]!;
  }

  isHidden(vm: Vm): boolean {
    return this.timeline.now < vm.hiddenUntil;
  }

  /** Returns the VM when this call made it. */
  launch(request: Pick<LaunchRequest, "replicaId" | "epoch" | "pool" | "revision" | "zone" | "market">): Vm | null {
    this.answer(request.epoch);
    const { replicaId, pool, revision, market } = request;
    if (this.tombstones.has(replicaId)) throw refused("input", `Replica ${replicaId} was ended, and never runs twice.`);
    if (this.vms.has(replicaId)) return null;
    if (this.refusal !== null) throw refused(this.refusal, "the cloud gives nothing just now");
    this.asked += 1;
    if (100 * luck(this.scenario.seed, "throttled", replicaId, this.asked) < this.throttledLaunches) throw throttled();
    const zone = this.placeFor(request);
    const vm: Vm = {
      replicaId,
      pool,
      revision,
      zone,
      market,
      phase: "up",
      startedAt: this.timeline.now,
      bootedAt: Number.POSITIVE_INFINITY,
      exit: null,
      sickUntil: 0,
      restarts: 0,
      configured: null,
      hiddenUntil: 0,
      takenAt: null,
      atRisk: false,
    };
    this.vms.set(replicaId, vm);
    this.shown.add(vm);
    this.boot(vm);
    return vm;
  }

  /** Returns the VM when this call began its end. */
  terminate({ replicaId, epoch }: { replicaId: string; epoch: number }): Vm | null {
    this.answer(epoch);
    this.tombstones.add(replicaId);
    const vm = this.vms.get(replicaId);
    if (vm === undefined || vm.phase !== "up") return null;
    vm.phase = "ending";
    this.timeline.in(ENDING_MS, () => this.end(vm, "ended"));
    return vm;
  }

  /** Returns the VM when this call replaced its program. */
  restart(request: Pick<RestartRequest, "replicaId" | "epoch" | "revision" | "restarts">): Vm | null {
    this.answer(request.epoch);
    const { replicaId, revision, restarts } = request;
    const vm = this.vms.get(replicaId);
    if (this.tombstones.has(replicaId)) throw refused("input", `Replica ${replicaId} was ended, and never runs twice.`);
    if (vm === undefined || vm.phase !== "up") throw refused("zoneAndType", `The VM of ${replicaId} is gone.`);
    if (restarts <= vm.restarts) return null;
    Object.assign(vm, { revision, restarts, startedAt: this.timeline.now, sickUntil: 0, configured: null });
    this.boot(vm);
    return vm;
  }

  /** A program that listens takes its userConfig, or refuses it; another one is not reached. */
  configure({ replicaId, hash }: Pick<ConfigRequest, "replicaId" | "hash">): ConfigAnswer {
    const vm = this.vms.get(replicaId);
    if (vm?.phase !== "up" || this.timeline.now < vm.bootedAt) throw refused("zoneAndType", "connection refused");
    if (this.behaviour(vm.revision).refusesConfig) return { hash, outcome: "refused", reason: "422: no" };
    vm.configured = hash;
    return { hash, outcome: "acknowledged", reason: null };
  }

  list(): ObservedVm[] {
    this.throttle();
    const listed: ObservedVm[] = [];
    for (const vm of this.shown) {
      if (this.isGone(vm)) this.shown.delete(vm);
      else if (!this.isHidden(vm)) listed.push(this.observed(vm));
    }
    return listed;
  }

  purge(): void {
    for (const vm of this.shown) vm.phase = "ended";
    this.shown.clear();
  }

  /** The cloud says that it takes the VM; sometimes it does not. */
  notice(vm: Vm, inMs: number, isFollowed: boolean): void {
    if (vm.phase !== "up" || vm.takenAt !== null) return;
    vm.takenAt = this.timeline.now + inMs;
    if (isFollowed) this.timeline.in(inMs, () => vm.phase !== "ended" && this.lose(vm));
    this.onChange(vm, "noticed");
  }

  /** The cloud says that it is likelier to take the VM than others. */
  recommend(vm: Vm, lostInMs: number | null): void {
    if (vm.phase !== "up") return;
    vm.atRisk = true;
    if (lostInMs !== null) this.timeline.in(lostInMs, () => vm.phase !== "ended" && this.lose(vm));
    this.onChange(vm, "atRisk");
  }

  /** Nobody knows what the only zone of a cloud without zones costs. */
  prices(): Price[] {
    return (this.scenario.zones ?? []).flatMap((zone) => {
      const dollarsPerHour = Math.round(100 * (1 + luck(this.scenario.seed, "price", zone))) / 100;
      const spot = Math.round(30 * dollarsPerHour) / 100;
      return [
        { zone, market: "onDemand" as const, dollarsPerHour },
        { zone, market: "spot" as const, dollarsPerHour: spot },
      ];
    });
  }

  lose(vm: Vm): void {
    vm.exit = { phase: "run", code: null, signal: "SIGKILL", lost: true, lastLines: [] };
    this.end(vm, "lost");
  }

  exit(vm: Vm): void {
    vm.exit = { phase: "run", code: 1, signal: null, lost: false, lastLines: ["it ended"] };
    this.end(vm, "lost");
  }

  reading({ replicaId, readiness }: ProbeTarget, watchedSince: number, wall: number): ProbeReading {
    const vm = this.vms.get(replicaId);
    const answers = vm !== undefined && vm.phase !== "ended" && this.isHealthy({ ...vm, phase: "up" });
    if (!answers || this.behaviour(vm.revision).path !== readiness.path) {
      const lastError = answers ? "404" : "connection refused";
      return { consecutiveSuccesses: 0, consecutiveFailures: PROBES_PASS, passingSince: null, lastError };
    }
    const since = Math.max(vm.bootedAt, vm.sickUntil, watchedSince);
    const passing = { consecutiveFailures: 0, passingSince: wall - (this.timeline.now - since), lastError: null };
    return { consecutiveSuccesses: PROBES_PASS, ...passing };
  }

  /** Never listed again. */
  private isGone({ phase, exit, replicaId }: Vm): boolean {
    if (phase !== "ended") return false;
    return exit === null || this.timeline.now - this.endedAt.get(replicaId)! > LISTED_AFTER_END_MS;
  }

  private boot(vm: Vm): void {
    const { startedAt, restarts } = vm;
    const { bootMs, start, failsAfterMs } = this.behaviour(vm.revision);
    const spread = 0.5 + luck(this.scenario.seed, "boot", vm.replicaId, restarts);
    vm.bootedAt = startedAt + Math.round(bootMs * spread * this.bootTimes);
    const same = () => vm.phase === "up" && vm.restarts === restarts;
    this.timeline.in(vm.bootedAt - this.timeline.now, () => {
      if (!same()) return;
      if (start === "exits") this.exit(vm);
      else this.onChange(vm, "booted");
    });
    if (start === "ready" && failsAfterMs !== null) {
      this.timeline.in(vm.bootedAt + failsAfterMs - this.timeline.now, () => {
        if (same()) this.onChange(vm, "failing");
      });
    }
  }

  private end(vm: Vm, how: "ended" | "lost"): void {
    if (vm.phase === "ended") return;
    vm.phase = "ended";
    this.endedAt.set(vm.replicaId, this.timeline.now);
    this.onChange(vm, how);
  }

  private observed(vm: Vm): ObservedVm {
    const booted = this.timeline.now >= vm.bootedAt;
    return {
      replicaId: vm.replicaId,
      state: vm.phase === "up" ? (booted ? "running" : "booting") : vm.phase,
      address: { host: "127.0.0.1", port: 10_000 + Number(vm.replicaId.split("-").at(-1)) },
      zone: vm.zone,
      market: vm.market,
      exit: vm.exit,
      restarts: vm.restarts,
    };
  }

  /** There, or where the cloud has room. */
  private placeFor({ replicaId, zone, market }: Pick<LaunchRequest, "replicaId" | "zone" | "market">): string {
    const zones = zone ? [zone] : (this.scenario.zones ?? ONLY_ZONE);
    const open = zones.filter((each) => !this.closed.has(`${each}/${market}`));
    if (open.length === 0) {
      throw refused(this.closed.get(`${zones[0]}/${market}`)!, `${zones.join(" and ")} give no ${market} VM just now`);
    }
    return open[Math.floor(luck(this.scenario.seed, "zone", replicaId) * open.length)]!;
  }

  private throttle(): void {
    if (this.throttled) throw throttled();
  }

  /** Asked too often it says nothing else, not even to an epoch that is past. */
  private answer(epoch: number): void {
    this.throttle();
    this.fence(epoch);
  }

  private fence(epoch: number): void {
    if (epoch < this.epoch) {
      throw new ServeError({
        code: "StaleEpoch",
        scope: "agent",
        reasons: [`Epoch ${this.epoch} has acted, so ${epoch} is refused.`],
      });
    }
    this.epoch = epoch;
  }
}

function throttled(): ServeError {
  return refused("account", "Too many requests: slow down.");
}

function refused(scope: ErrorScope, reason: string): ServeError {
  const code = scope === "input" ? "InvalidInput" : scope === "account" ? "QuotaExceeded" : "NoCapacity";
  return new ServeError({ code: scope === "fatal" ? "LaunchFailed" : code, scope, retryable: true, reasons: [reason] });
}

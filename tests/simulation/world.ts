import type { Action } from "../../provider/core/action";
import { targetOfZone } from "../../provider/core/spec/zone-name";
import type { Verb } from "../../provider/core/command";
import type { Price } from "../../provider/core/cost/price";
import { giveCommand } from "../../provider/core/declare";
import { decide } from "../../provider/core/decide";
import type { ServeEvent } from "../../provider/core/events";
import type { ExternalGate, GateFacts } from "../../provider/core/gate/external";
import type { Intent } from "../../provider/core/intent";
import type {
  GateAnswer,
  Observed,
  ObservedDataPlane,
  ObservedVm,
  PoolLoad,
  ProbeReading,
} from "../../provider/core/observed";
import type { DesiredRouting } from "../../provider/core/routing";
import type { State } from "../../provider/core/state";

/** How replicas of a revision behave. */
export interface Behaviour {
  bootMs: number;
  /** Never: probes fail for ever. Exits: the program ends itself as soon as it has booted. */
  start: "ready" | "never" | "exits";
  /** How long its running requests need after it left the routing. */
  drainMs: number;
}

interface Vm {
  replica: string;
  zone: string;
  market: "spot" | "onDemand";
  revision: string;
  bornAt: number;
  phase: "up" | "ending" | "ended";
  endsAt: number;
  lost: boolean;
  sick: boolean;
  exitCode: number | null;
  requestsUntil: number;
  restarts: number;
}

/** The world around `decide` under virtual time: a cloud, probes and a data plane that do what they are told. */
export class World {
  now = 1_000_000;
  state: State | null = null;
  intentVersion = 1;
  readonly log: ServeEvent[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  readonly vms = new Map<string, Vm>();
  readonly tombstones = new Set<string>();
  routing: DesiredRouting | null = null;
  dataPlaneUp = true;
  /** What the cloud says that it takes, and when; nobody takes it back. */
  readonly notices = new Map<string, number>();
  /** What the cloud recommends to have somewhere else. */
  readonly atRisk = new Set<string>();
  /** Places that give nothing, as `zone/market`. */
  readonly closed = new Set<string>();
  /** Zones and machines that are used up, as "a/L4:1". */
  readonly none = new Set<string>();
  /** Targets whose account refuses everything: "own", or the name that zones have before their slash. */
  readonly locked = new Set<string>();
  /** What the cloud's listing leaves out, though it is there. */
  unlisted: (replica: string) => boolean = () => false;
  /** Launches that the cloud will refuse before it gives again. */
  refusals = 0;
  dissolved = false;
  /** Whoever decides has just taken over and has probed nobody yet. */
  unprobed = false;
  /** What a replica says to a userConfig; null: nothing, the request is lost. */
  answerToConfig: (replica: string, hash: string) => "acknowledged" | "refused" | null = () => "acknowledged";
  /** What the data plane has counted of each version. */
  versions: ObservedDataPlane["versions"] = {};
  /** What a command or a webhook says. */
  answerToGate: (gate: ExternalGate, facts: GateFacts) => GateAnswer = () => ({ outcome: "passed", reason: "" });
  epoch = 1;
  /** What VMs cost; null: nobody knows. */
  prices: Price[] | null = null;
  /** Requests a second that come to each pool, and how many one replica works on at a time. */
  readonly load: Record<string, { qps: number; inFlight: number }> = {};
  private readonly arrived: Record<string, number> = {};
  private readonly gateAnswers: Record<string, GateAnswer> = {};
  private launchErrors: Observed["launchErrors"] = [];
  private reconfigured: Observed["reconfigured"] = {};

  constructor(public intent: Intent) {}

  declare(change: (intent: Intent) => void): void {
    this.intent = structuredClone(this.intent);
    change(this.intent);
    this.intentVersion += 1;
  }

  command(verb: Verb): void {
    this.intent = giveCommand(this.intent, verb);
    this.intentVersion += 1;
  }

  /** One tick; `crash` loses what comes after the state was persisted: every action, or those beyond a number. */
  tick(stepMs = 100, crashAfterActions = Number.POSITIVE_INFINITY): void {
    this.now += stepMs;
    for (const [pool, { qps }] of Object.entries(this.load)) {
      this.arrived[pool] = (this.arrived[pool] ?? 0) + (qps * stepMs) / 1000;
    }
    this.settleVms();
    const { state, actions } = decide(
      this.intent,
      this.intentVersion,
      this.state,
      this.observe(),
      this.now,
      this.epoch,
    );
    if (state.outbox !== this.state?.outbox) this.log.push(...state.outbox);
    this.state = structuredClone(state);
    for (const action of actions.slice(0, crashAfterActions)) this.act(action);
  }

  /** As an agent that has just taken over: what its predecessor was told is known to nobody. */
  forgetGateAnswers(): void {
    for (const key of Object.keys(this.gateAnswers)) delete this.gateAnswers[key];
  }

  /** Ticks until the condition holds; a deadline in virtual time says what was wrong. */
  until(condition: () => boolean, seconds = 3600, each?: () => void): void {
    const deadline = this.now + seconds * 1000;
    while (!condition()) {
      if (this.now > deadline) {
        throw new Error(`not within ${seconds} s of virtual time: ${JSON.stringify(this.summary())}`);
      }
      this.tick();
      each?.();
    }
  }

  lose(replica: string): void {
    const vm = this.vms.get(replica)!;
    vm.phase = "ended";
    vm.lost = true;
  }

  /** The cloud says that it takes the VM; whether it does is for `lose`. */
  notice(replica: string, seconds: number): void {
    this.notices.set(replica, this.now + seconds * 1000);
  }

  living(): Vm[] {
    return [...this.vms.values()].filter(({ phase }) => phase !== "ended");
  }

  summary(): unknown {
    return {
      replicas: Object.values(this.state?.replicas ?? {}).map(
        ({ id, status, revision }) => `${id} ${revision} ${status}`,
      ),
      rollout: this.state?.rollout && { cursor: this.state.rollout.cursor, direction: this.state.rollout.direction },
      weights: this.state?.routing.weights,
      refused: this.state?.refused,
      failures: Object.values(this.state?.pools ?? {}).map(({ failures }) => failures),
    };
  }

  private behaviour(revision: string): Behaviour {
    return this.behaviours.get(revision) ?? { bootMs: 1000, start: "ready", drainMs: 500 };
  }

  private settleVms(): void {
    for (const vm of this.vms.values()) {
      const { bootMs, start } = this.behaviour(vm.revision);
      if (vm.phase === "up" && start === "exits" && this.now >= vm.bornAt + bootMs) {
        vm.phase = "ended";
        vm.exitCode = 1;
      }
      if (vm.phase === "ending" && this.now >= vm.endsAt) vm.phase = "ended";
    }
  }

  private observe(): Observed {
    const vms: ObservedVm[] = [];
    const probes: Record<string, ProbeReading> = {};
    for (const vm of this.vms.values()) {
      const { bootMs, start } = this.behaviour(vm.revision);
      const booted = this.now >= vm.bornAt + bootMs;
      const byItself = vm.phase === "ended" && (vm.lost || vm.exitCode !== null);
      const listed: ObservedVm = {
        replicaId: vm.replica,
        state: vm.phase === "ended" ? "ended" : vm.phase === "ending" ? "ending" : booted ? "running" : "booting",
        address: { host: "127.0.0.1", port: 1 },
        zone: vm.zone,
        market: vm.market,
        exit: byItself ? { phase: "run", code: vm.exitCode, signal: null, lost: vm.lost, lastLines: [] } : null,
        restarts: vm.restarts,
      };
      if (!this.unlisted(vm.replica)) vms.push(listed);
      const passing = vm.phase === "up" && booted && start === "ready" && !vm.sick;
      probes[vm.replica] = {
        consecutiveSuccesses: passing ? 5 : 0,
        consecutiveFailures: passing ? 0 : 5,
        passingSince: passing ? vm.bornAt + bootMs : null,
        lastError: passing ? null : "connection refused",
      };
    }
    const errors = this.launchErrors;
    this.launchErrors = [];
    const { reconfigured } = this;
    this.reconfigured = {};
    const inFlight = (replica: string) => (this.now < this.vms.get(replica)!.requestsUntil ? 1 : 0);
    const members = this.members();
    return {
      vms,
      probes: this.unprobed ? {} : probes,
      dataplane: this.dataPlaneUp
        ? {
            generation: this.routing?.generation ?? 0,
            versions: structuredClone(this.versions),
            pools: Object.fromEntries(Object.keys(this.load).map((pool) => [pool, this.loadOf(pool)])),
            replicas: Object.fromEntries(
              [...this.vms.values()]
                .filter(({ replica }) => members.has(replica) || inFlight(replica) > 0)
                .map(({ replica, phase, sick }) => [
                  replica,
                  { inFlight: inFlight(replica), queued: 0, healthy: phase === "up" && !sick },
                ]),
            ),
          }
        : null,
      notices: [
        ...[...this.notices].map(([replicaId, at]) => ({ replicaId, at })),
        ...[...this.atRisk].map((replicaId) => ({ replicaId, at: null })),
      ],
      launchErrors: errors,
      reconfigured,
      gateAnswers: { ...this.gateAnswers },
      prices: this.prices,
    };
  }

  /** Who gets requests. */
  private members(): Set<string> {
    const versions = (this.routing?.routes ?? []).flatMap(({ primary, canary }) => [primary, canary]);
    return new Set(versions.flatMap((version) => version?.replicas ?? []).map(({ id }) => id));
  }

  /** Whoever cannot be sent anywhere waits. */
  private loadOf(pool: string): PoolLoad {
    const { inFlight } = this.load[pool]!;
    const route = this.routing?.routes.find((each) => each.pool === pool);
    const serves = (route?.primary?.replicas.length ?? 0) + (route?.canary?.replicas.length ?? 0) > 0;
    return {
      arrivals: Math.floor(this.arrived[pool] ?? 0),
      inFlight: serves ? inFlight : 0,
      queued: serves ? 0 : inFlight,
    };
  }

  private isUsedUp({ zone, shape, market }: Extract<Action, { kind: "launch" }>): boolean {
    return this.none.has(`${zone}/${shape}`) || this.closed.has(`${zone ?? "a"}/${market}`);
  }

  private act(action: Action): void {
    switch (action.kind) {
      case "launch":
        if (this.vms.has(action.replicaId) || this.tombstones.has(action.replicaId)) return;
        if (this.refusals > 0) {
          this.refusals -= 1;
          const { replicaId } = action;
          this.launchErrors.push({ replicaId, code: "NoCapacity", scope: "zoneAndType", message: "no capacity" });
          return;
        }
        if (this.locked.has(targetOfZone(action.zone ?? "a") ?? "own")) {
          const { replicaId } = action;
          this.launchErrors.push({
            replicaId,
            code: "QuotaExceeded",
            scope: "account",
            message: "the quota is used up",
          });
          return;
        }
        if (this.isUsedUp(action)) {
          const { replicaId } = action;
          this.launchErrors.push({ replicaId, code: "NoCapacity", scope: "zoneAndType", message: "no room there" });
          return;
        }
        this.vms.set(action.replicaId, {
          replica: action.replicaId,
          zone: action.zone ?? "a",
          market: action.market,
          revision: action.spec.revision,
          bornAt: this.now,
          phase: "up",
          endsAt: 0,
          lost: false,
          sick: false,
          exitCode: null,
          requestsUntil: 0,
          restarts: 0,
        });
        break;
      case "restart": {
        const vm = this.vms.get(action.replicaId);
        const there = vm !== undefined && vm.phase !== "ending" && !vm.lost && !this.tombstones.has(vm.replica);
        if (!there || vm.restarts >= action.restarts) return;
        const { spec, restarts } = action;
        Object.assign(vm, { revision: spec.revision, restarts, bornAt: this.now, phase: "up", exitCode: null });
        break;
      }
      case "terminate": {
        this.tombstones.add(action.replicaId);
        const vm = this.vms.get(action.replicaId);
        if (vm?.phase === "up") Object.assign(vm, { phase: "ending", endsAt: this.now + 200 });
        break;
      }
      case "reconfigure": {
        const { hash } = action.spec.userConfig!;
        const outcome = this.vms.get(action.replicaId)?.phase === "up" && this.answerToConfig(action.replicaId, hash);
        if (!outcome) break;
        const reason = outcome === "refused" ? "422: too hot" : null;
        this.reconfigured[action.replicaId] = { hash, outcome, reason };
        break;
      }
      case "runGate":
        this.gateAnswers[action.key] = this.answerToGate(action.gate, action.facts);
        break;
      case "route": {
        if (!this.dataPlaneUp || action.desired.epoch < (this.routing?.epoch ?? 0)) return;
        for (const id of this.members()) {
          const vm = this.vms.get(id);
          if (vm) vm.requestsUntil = this.now + this.behaviour(vm.revision).drainMs;
        }
        this.routing = action.desired;
        break;
      }
      case "dissolve":
        this.dissolved = true;
        break;
    }
  }
}

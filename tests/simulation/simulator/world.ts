import type { GateAnswer, Notice } from "../../../provider/core/observed";
import type { State } from "../../../provider/core/state";
import type { DesiredRouting } from "../../../provider/core/routing";
import type { LaunchRequest, RestartRequest } from "../../../provider/ports/cloud";
import { SimulatedCloud, type Vm, type VmChange } from "./cloud";
import { SimulatedDataPlane } from "./data-plane";
import { Judge } from "./judge";
import { Network } from "./network";
import { ControllerProcess, type Sender } from "./process";
import { luck } from "./random";
import type { Scenario } from "./scenario";
import { SimulatedStore } from "./store";
import { Timeline } from "./timeline";

const WALL_AT_START = 1_700_000_000_000;
const LEASE_EXPIRY_MS = 10_000;

/** One service and all that is around it, under virtual time. */
export class SimulatedWorld {
  readonly timeline = new Timeline();
  readonly cloud: SimulatedCloud;
  readonly dataPlane: SimulatedDataPlane;
  readonly store: SimulatedStore;
  readonly network: Network;
  readonly judge: Judge;
  /** All that ever lived, the newest last. */
  readonly controllers: ControllerProcess[] = [];
  /** What the computer's clock shows beyond the timeline. */
  clockAheadMs = 0;
  /** How long nobody starts a controller after one has died. */
  reviveAfterMs = 500;
  /** From then on no fault is at work any more, as far as is known. */
  calmSince = 0;
  gateOutcome: "passed" | "failed" | "unreachable" = "passed";
  private looks = 0;

  constructor(readonly scenario: Scenario) {
    this.judge = new Judge(this);
    this.cloud = new SimulatedCloud(this.timeline, scenario, (vm, what) => this.changed(vm, what));
    this.dataPlane = new SimulatedDataPlane(this.timeline, scenario, this.cloud);
    this.store = new SimulatedStore((state) => this.judge.persisted(state));
    this.network = new Network(this.timeline, scenario.seed);
  }

  get state(): State | null {
    return this.store.state?.value ?? null;
  }

  /** The one that acts, or would if it were not stopped. */
  get controller(): ControllerProcess | undefined {
    return this.controllers.at(-1);
  }

  wall(): number {
    return WALL_AT_START + this.timeline.now + this.clockAheadMs;
  }

  /** How long after a ring; short or long, so that looks fall into every phase of what orders do. */
  lookComesMs(epoch: number): number {
    return 20 + Math.round(400 * luck(this.scenario.seed, "comes", epoch, this.looks));
  }

  /** Mostly at once, sometimes long enough for the world to change meanwhile. */
  lookTakesMs(epoch: number): number {
    this.looks += 1;
    const fate = luck(this.scenario.seed, "look", epoch, this.looks);
    return fate < 0.8 ? 0 : Math.round(300 * (fate - 0.8));
  }

  /** Takes the lease, whoever has it. */
  startController(): void {
    const controller = new ControllerProcess(this, this.store.takeEpoch(), () => {
      if (this.controller === controller) this.timeline.in(this.reviveAfterMs, () => this.revive());
    });
    this.controllers.push(controller);
    void controller.run();
  }

  /** Somebody takes over from a controller that is dead or has been silent for too long. */
  revive(): void {
    const { controller } = this;
    if (this.store.destroyed || controller === undefined || (controller.ending === null && !controller.isStopped))
      return;
    this.startController();
  }

  stopController(forMs: number): void {
    this.controller?.stop(forMs);
    this.timeline.in(LEASE_EXPIRY_MS, () => this.revive());
  }

  ring(): void {
    this.controller?.ring();
  }

  /** Names of pools that go with their load now. */
  scaledPools(): string[] {
    const pools = Object.values(this.state?.pools ?? {});
    return pools.flatMap(({ primary }) => (primary?.scaling ? [primary.name] : [])).sort();
  }

  ticked(lookedAt: number): void {
    this.judge.ticked(lookedAt);
  }

  broken(rule: string, sentence: string): void {
    this.judge.broken(rule, sentence);
  }

  gateAnswer(): GateAnswer {
    return { outcome: this.gateOutcome, reason: `it ${this.gateOutcome}` };
  }

  /** By the computer's clock, as everything that is told. */
  notices(): Notice[] {
    const ahead = this.wall() - this.timeline.now;
    return this.cloud.living().flatMap(({ replicaId, takenAt, atRisk }): Notice[] => {
      if (takenAt !== null) return [{ replicaId, at: takenAt + ahead }];
      return atRisk ? [{ replicaId, at: null }] : [];
    });
  }

  launch(request: LaunchRequest, sender: Sender): void {
    const vm = this.cloud.launch(request);
    if (vm !== null) this.judge.launched(vm, sender);
  }

  terminate({ replicaId, epoch }: { replicaId: string; epoch: number }, sender: Sender): void {
    this.judge.ours(sender, `terminate ${replicaId}`, () => {
      const vm = this.cloud.terminate({ replicaId, epoch });
      if (vm !== null) this.judge.terminated(vm, sender);
    });
  }

  restart(request: RestartRequest, sender: Sender): void {
    this.judge.ours(sender, `restart ${request.replicaId}`, () => {
      const before = { ...this.cloud.vms.get(request.replicaId)! };
      const served = this.cloud.isHealthy(before);
      const vm = this.cloud.restart(request);
      if (vm !== null) this.judge.restarted(vm, { ...before, served }, sender);
    });
  }

  apply(desired: DesiredRouting, sender: Sender): void {
    const put = () => {
      const before = this.dataPlane.inForce;
      if (this.dataPlane.apply(desired)) this.judge.routed(before, desired, sender);
    };
    this.judge.ours(sender, `route ${desired.generation}`, put, desired.generation);
  }

  purge(): void {
    this.judge.dissolving();
    this.cloud.purge();
  }

  private changed(vm: Vm, what: VmChange): void {
    if (what === "lost" || what === "failing" || what === "noticed") this.judge.disturbed(`${vm.replicaId} ${what}`);
    this.timeline.in(20, () => this.ring());
  }
}

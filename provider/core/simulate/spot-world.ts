import type { Slot } from "../spot/candidate";
import type { TraceSet } from "./trace-set";

export interface Prices {
  /** Dollars per hour; what matters is their ratio. */
  spot: number;
  onDemand: number;
}

/** A cloud in virtual time whose spot capacity is what the traces recorded; on-demand is always to be had. */
export class SpotWorld {
  now = 0;
  vms: Slot[] = [];
  launches = { spot: 0, onDemand: 0, refused: 0 };
  losses = 0;
  private tick = 0;
  private nextId = 1;

  constructor(
    readonly traces: TraceSet,
    readonly coldStartMs: number,
  ) {}

  /** Null: the zone has no more. */
  launchSpot(zone: string): Slot | null {
    const room = this.capacity(zone) - this.vms.filter((vm) => vm.market === "spot" && vm.zone === zone).length;
    if (room <= 0) {
      this.launches.refused += 1;
      return null;
    }
    this.launches.spot += 1;
    return this.add("spot", zone, false);
  }

  launchOnDemand(fallback: boolean): Slot {
    this.launches.onDemand += 1;
    return this.add("onDemand", this.traces.zones[0]!.zone, fallback);
  }

  end(id: string): void {
    this.vms = this.vms.filter((vm) => vm.id !== id);
  }

  /** Goes on to `to`, which is at most one tick of the traces away; tells what the market took. */
  advance(to: number): Slot[] {
    this.now = to;
    this.tick = Math.min(this.traces.ticks - 1, Math.floor(to / (this.traces.gapSeconds * 1000)));
    const taken = this.traces.zones.flatMap(({ zone }) => {
      const here = this.vms.filter((vm) => vm.market === "spot" && vm.zone === zone);
      // The oldest first: the ones that serve, so that no policy looks better than it is.
      return here.slice(0, Math.max(0, here.length - this.capacity(zone)));
    });
    this.losses += taken.length;
    this.vms = this.vms
      .filter((vm) => !taken.includes(vm))
      .map((vm) =>
        vm.status === "starting" && to - vm.launchedAt >= this.coldStartMs
          ? { ...vm, status: "ready", readyAt: vm.launchedAt + this.coldStartMs }
          : vm,
      );
    return taken;
  }

  /** The next moment at which something happens by itself: a tick of the traces, or a VM that becomes ready. */
  nextEvent(): number {
    const gap = this.traces.gapSeconds * 1000;
    const ready = this.vms.filter(({ status }) => status === "starting").map((vm) => vm.launchedAt + this.coldStartMs);
    return Math.min((Math.floor(this.now / gap) + 1) * gap, ...ready);
  }

  private capacity(zone: string): number {
    return this.traces.zones.find((one) => one.zone === zone)!.capacity[this.tick]!;
  }

  private add(market: Slot["market"], zone: string, fallback: boolean): Slot {
    const region = this.traces.zones.find((one) => one.zone === zone)!.region;
    const vm: Slot = {
      id: `vm-${this.nextId++}`,
      market,
      target: "trace",
      region,
      zone,
      status: "starting",
      launchedAt: this.now,
      readyAt: null,
      fallback,
    };
    this.vms.push(vm);
    return vm;
  }
}

export function zonesOf({ traces }: SpotWorld): string[] {
  return traces.zones.map(({ zone }) => zone);
}

export function countOf({ vms }: SpotWorld, market: Slot["market"]): number {
  return vms.filter((vm) => vm.market === market).length;
}

/** Stand-ins go before the base, what is not ready before what is, and the youngest first. */
export function endSurplus(world: SpotWorld, market: Slot["market"], target: number): void {
  const order = world.vms
    .filter((vm) => vm.market === market)
    .sort(
      (a, b) =>
        Number(b.fallback) - Number(a.fallback) ||
        Number(a.status === "ready") - Number(b.status === "ready") ||
        b.launchedAt - a.launchedAt,
    );
  for (const { id } of order.slice(0, Math.max(0, order.length - target))) world.end(id);
}

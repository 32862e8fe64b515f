import type { Vm } from "./cloud";
import type { Fault } from "./scenario";
import type { SimulatedWorld } from "./world";

/** Lets one fault happen, and end when its time is over. */
export function strike(world: SimulatedWorld, fault: Fault): void {
  const { cloud, dataPlane, judge, network, store, timeline } = world;
  const during = (forMs: number, begin: () => void, end: () => void) => {
    begin();
    world.calmSince = Math.max(world.calmSince, timeline.now + forMs);
    timeline.in(forMs, end);
  };
  switch (fault.kind) {
    case "crash": {
      const { calls, when, downMs } = fault;
      if (world.controller === undefined) return;
      world.controller.crash = { calls, when };
      world.reviveAfterMs = downMs;
      world.calmSince = Math.max(world.calmSince, timeline.now + downMs + 10_000);
      return;
    }
    case "suspend":
      world.stopController(fault.forMs);
      world.calmSince = Math.max(world.calmSince, timeline.now + fault.forMs);
      return;
    case "split":
      return world.startController();
    case "lose":
      return victims(world, fault.pick, fault.count).forEach((vm) => cloud.lose(vm));
    case "notice":
      return victims(world, fault.pick, fault.count).forEach((vm) => cloud.notice(vm, fault.inMs, fault.isFollowed));
    case "atRisk":
      return victims(world, fault.pick, fault.count).forEach((vm) => cloud.recommend(vm, fault.lostInMs));
    case "zone":
      return during(
        fault.forMs,
        () => closeMarket(world, fault),
        () => cloud.closed.delete(placeOf(world, fault)),
      );
    case "exit":
      return victims(world, fault.pick, 1).forEach((vm) => cloud.exit(vm));
    case "sick":
      for (const vm of victims(world, fault.pick, 1)) {
        vm.sickUntil = timeline.now + fault.forMs;
        judge.disturbed(`${vm.replicaId} is sick`);
        timeline.in(fault.forMs, () => world.ring());
      }
      return;
    case "refuse":
      return during(
        fault.forMs,
        () => (cloud.refusal = fault.scope),
        () => (cloud.refusal = null),
      );
    case "slowBoot":
      return during(
        fault.forMs,
        () => (cloud.bootTimes = fault.times),
        () => (cloud.bootTimes = 1),
      );
    case "network":
      return during(
        fault.forMs + fault.delayMs,
        () => {
          network.faults.add(fault);
          timeline.in(fault.forMs, () => network.faults.delete(fault));
        },
        () => undefined,
      );
    case "hide":
      for (const vm of victims(world, fault.pick, 1)) vm.hiddenUntil = timeline.now + fault.forMs;
      world.calmSince = Math.max(world.calmSince, timeline.now + fault.forMs);
      return;
    case "throttle":
      return during(
        fault.forMs,
        () => (cloud.throttled = true),
        () => (cloud.throttled = false),
      );
    case "throttleLaunches":
      return during(
        fault.forMs,
        () => (cloud.throttledLaunches = fault.percent),
        () => (cloud.throttledLaunches = 0),
      );
    case "store":
      store.trouble = { how: fault.how, times: fault.times };
      return;
    case "clock":
      world.clockAheadMs += fault.jumpMs;
      judge.clockJumped();
      return;
    case "dataPlane":
      judge.disturbed("the data plane ended");
      return during(
        fault.downMs,
        () => dataPlane.stop(),
        () => {
          dataPlane.start(fault.remembers);
          judge.disturbed("the data plane starts");
        },
      );
    case "load":
      dataPlane.requestsPerSecond = fault.requestsPerSecond;
      return;
    case "demand": {
      const scaled = world.scaledPools();
      const chosen = fault.pool === null ? scaled : scaled.filter((_, index) => index === fault.pool! % scaled.length);
      return chosen.forEach((pool) => dataPlane.demand(pool, fault.requestsPerSecond));
    }
    case "gate":
      world.gateOutcome = fault.outcome;
  }
}

function closeMarket(world: SimulatedWorld, fault: Extract<Fault, { kind: "zone" }>): void {
  const { cloud } = world;
  const place = placeOf(world, fault);
  cloud.closed.set(place, fault.scope);
  const there = cloud.living().filter(({ phase, zone, market }) => phase === "up" && `${zone}/${market}` === place);
  for (const vm of there.slice(0, fault.takes)) {
    if (fault.noticeMs === null) cloud.lose(vm);
    else cloud.notice(vm, fault.noticeMs, true);
  }
}

function placeOf({ scenario }: SimulatedWorld, { zone, market }: Extract<Fault, { kind: "zone" }>): string {
  const zones = scenario.zones ?? ["a"];
  return `${zones[zone % zones.length]}/${market}`;
}

/** Some of those that live, one after the other from a place that the scenario names. */
function victims({ cloud }: SimulatedWorld, pick: number, count: number): Vm[] {
  const up = cloud.living().filter(({ phase }) => phase === "up");
  return Array.from({ length: Math.min(count, up.length) }, (_, index) => up[(pick + index) % up.length]!);
}

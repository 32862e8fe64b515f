import assert from "node:assert/strict";
import fc from "fast-check";
import { enterRates, openLedger, paid, totalOf, type Ledger } from "../../../provider/core/cost/ledger";
import type { Price } from "../../../provider/core/cost/price";
import { NO_DOLLARS } from "../../../provider/core/cost/rate";
import { SPOT_DEFAULTS } from "../../../provider/core/spot/spec";
import type { Replica, State } from "../../../provider/core/state";
import { intentOf, poolSpec, redeclare } from "../../simulation/intents";
import { World } from "../../simulation/world";

const HOUR_MS = 3_600_000;
const priced = (onDemand: number): Price[] => [{ zone: "a", market: "onDemand", dollarsPerHour: onDemand }];
const rate = (spot: number) => ({ dollars: { ...NO_DOLLARS, spot }, unpriced: 0 });

function total(ledger: Ledger, now: number): number {
  return Object.values(ledger.pools).reduce((sum, account) => sum + paid(totalOf(account, ledger.at, now)), 0);
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected), `${actual} instead of ${expected}`);
}

describe("the ledger", () => {
  it("is the integral of the rates, whenever and however often it is looked at or written down", () => {
    const moment = fc.record({ ms: fc.nat(10 * HOUR_MS), rate: fc.nat(50), restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 30 }), fc.nat(HOUR_MS), (moments, rest) => {
        let [now, dollars, current] = [1_000_000, 0, 0];
        let ledger = openLedger(now, []);
        for (const { ms, rate: next, restart } of moments) {
          now += ms;
          dollars += (current * ms) / HOUR_MS;
          current = next;
          ledger = enterRates(ledger, { p: rate(next) }, now);
          if (restart) ledger = JSON.parse(JSON.stringify(ledger)) as Ledger;
        }
        near(total(ledger, now + rest), dollars + (current * rest) / HOUR_MS);
      }),
    );
  });

  it("is itself as long as the rates are the same, so that no steady tick writes", () => {
    const ledger = enterRates(openLedger(0, []), { p: rate(2) }, 0);
    assert.equal(enterRates(ledger, { p: rate(2) }, HOUR_MS), ledger);
    assert.notEqual(enterRates(ledger, { p: rate(3) }, HOUR_MS), ledger);
  });

  it("counts nothing twice and takes nothing back when the clock is set back, and goes on from there", () => {
    const ledger = enterRates(openLedger(0, []), { p: rate(2) }, 10 * HOUR_MS);
    assert.equal(total(ledger, 9 * HOUR_MS), 0);
    const later = enterRates(ledger, { p: rate(2) }, 9 * HOUR_MS);
    near(total(later, 10 * HOUR_MS), 2);
    assert.equal(enterRates(ledger, { p: rate(2) }, 10 * HOUR_MS - 1000), ledger, "a mere correction is no write");
  });

  it("keeps the sum of a pool that is gone", () => {
    const ledger = enterRates(openLedger(0, []), { p: rate(2) }, 0);
    const gone = enterRates(ledger, {}, HOUR_MS);
    near(total(gone, 5 * HOUR_MS), 2);
  });
});

describe("the ledger of a service", () => {
  /** Dollars by the hour of the VMs that are there, as a person would count them. */
  const burning = ({ replicas }: State, price: number) =>
    price *
    Object.values(replicas).filter(({ zone, status }: Replica) => zone !== null && status !== "launching").length;

  function runUntil(world: World, condition: () => boolean): { dollars: number } {
    const bill = { dollars: 0 };
    world.until(condition, 3600, () => {
      // Each tick is a tenth of a second.
      bill.dollars += (burning(world.state!, world.prices![0]!.dollarsPerHour) * 100) / HOUR_MS;
    });
    return bill;
  }

  it("bills every VM from when the cloud shows it until it is gone, through a rollout and a loss", () => {
    const world = new World(intentOf([poolSpec("p", "a", 4)]));
    world.prices = priced(3);
    const first = runUntil(world, () => world.state?.pools["p"]?.hasServed === true);
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 6)]));
    const rolled = runUntil(world, () => world.state!.lastOutcome?.kind === "promoted");
    world.lose(Object.keys(world.state!.replicas)[0]!);
    const later = world.now + 5_000;
    const healed = runUntil(world, () => world.now >= later);
    const expected = first.dollars + rolled.dollars + healed.dollars;
    const ledger = world.state!.ledger!;
    // What the last tick found is billed from then on.
    near(total(ledger, world.now + 100), expected);
    assert.equal(ledger.pools["p"]!.rate.dollars.onDemand, 18);
    assert.deepEqual(ledger.pools["p"]!.rate.dollars.allOnDemand, 18);
  });

  it("follows a price from when it is seen, and keeps the last one while none can be", () => {
    const world = new World(intentOf([poolSpec("p", "a", 2)]));
    world.tick();
    assert.equal(world.state!.ledger, undefined, "a target without prices has no ledger");
    world.prices = priced(1);
    world.until(() => world.state?.pools["p"]?.hasServed === true);
    const before = structuredClone(world.state!);
    world.tick();
    world.prices = null;
    world.tick(30_000);
    assert.deepEqual(world.state!.ledger, before.ledger, "nothing to write");
    world.prices = priced(5);
    world.tick();
    assert.equal(world.state!.ledger!.pools["p"]!.rate.dollars.onDemand, 10);
  });

  it("tells on-demand VMs that stand in for spot from those that are meant to be, but not in a rollout", () => {
    const spot = { ...SPOT_DEFAULTS, baseOnDemandReplicas: 1 };
    const world = new World(intentOf([poolSpec("p", "a", 3, { spot })]));
    world.prices = [...priced(1), { zone: "a", market: "spot", dollarsPerHour: 0.25 }];
    world.until(() => world.state?.pools["p"]?.hasServed === true && world.living().length === 3);
    const rate = () => world.state!.ledger!.pools["p"]!.rate.dollars;
    assert.deepEqual(rate(), { spot: 0.5, onDemand: 1, fallback: 0, allOnDemand: 3 });
    world.closed.add("a/spot");
    world.lose(world.living().find(({ market }) => market === "spot")!.replica);
    world.until(() => rate().fallback > 0 && world.living().length === 3);
    assert.deepEqual(rate(), { spot: 0.25, onDemand: 1, fallback: 1, allOnDemand: 3 });
    world.declare((intent) => redeclare(intent, [poolSpec("p", "b", 3, { spot })]));
    world.until(() => (world.state!.rollout?.cursor ?? 0) >= 2);
    assert.equal(rate().fallback, 0);
  });
});

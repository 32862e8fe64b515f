import assert from "node:assert/strict";
import type { Price } from "../../../provider/core/cost/price";
import { planRollout } from "../../../provider/core/plan/rollout-plan";
import { blueGreen, rolling, surge } from "../strategies";
import { B, pool, request, serving } from "./request";

describe("the plan that preview shows, in dollars", () => {
  const prices: Price[] = [
    { zone: "a", market: "onDemand", dollarsPerHour: 2 },
    { zone: "b", market: "onDemand", dollarsPerHour: 4 },
    { zone: "a", market: "spot", dollarsPerHour: 1 },
  ];

  it("says the steady state before and after, and what the surge's own VMs cost for as long as they boot and bake", () => {
    const strategy = surge(25, { bakeSeconds: 37 });
    const { plan } = planRollout({ ...request, strategy, target: [{ ...B, replicas: 6 }], prices });
    assert.deepEqual(plan.cost!.before, { spot: 0, onDemand: 12 });
    assert.deepEqual(plan.cost!.after, { spot: 0, onDemand: 18 });
    // One VM too many in each of the steps that boot, never in a settled state.
    const boots = plan.estimatedSeconds - 4 * 37;
    assert.ok(plan.cost!.rollout > 0 && plan.cost!.rollout <= (3 * 2 * boots) / 3600);
    assert.match(plan.cost!.summary, /^\$12\.00\/h before, \$18\.00\/h after; the rollout's extra VMs about \$0\.\d+$/);
  });

  it("counts every VM of a second fleet while it boots and bakes", () => {
    const { plan } = planRollout({ ...request, strategy: blueGreen({ bakeSeconds: 60 }), target: [B], prices });
    // Four more VMs for the boot of 8 s and the bake of 60 s, at 3 dollars an hour.
    assert.equal(plan.cost!.rollout, Number(((4 * 3 * 68) / 3600).toFixed(4)));
    assert.equal(planRollout({ ...request, strategy: rolling(25), target: [B], prices }).plan.cost!.rollout, 0);
  });

  it("splits the markets of a pool on spot, and knows a light change too", () => {
    const spot = pool("a", { capacity: { spot: { baseOnDemandReplicas: 1, numOverprovision: 1 } } });
    const { plan } = planRollout({ ...request, target: [spot], prices });
    assert.deepEqual(plan.cost, {
      summary: "$12.00/h before, $7.00/h ($4.00 spot, $3.00 on-demand) after",
      before: { spot: 0, onDemand: 12 },
      after: { spot: 4, onDemand: 3 },
      rollout: 0,
    });
  });

  it("counts a second fleet of a pool on spot as on-demand, which a rollout launches, unless it may have spot only", () => {
    const second = (capacity: object) => {
      const [from, to] = [pool("a", { capacity }), pool("b", { capacity })];
      const strategy = blueGreen({ bakeSeconds: 60 });
      return planRollout({ ...request, before: [from], view: serving(from), strategy, target: [to], prices }).plan
        .cost!;
    };
    const { before, after, rollout } = second({ spot: {} });
    assert.deepEqual(
      [before, after],
      [4, 4].map((spot) => ({ spot, onDemand: 0 })),
    );
    assert.equal(rollout, Number(((4 * 3 * 68) / 3600).toFixed(4)));
    const spotOnly = second({ spot: { dynamicOnDemandFallback: false } });
    assert.equal(spotOnly.rollout, Number(((4 * 1 * 68) / 3600).toFixed(4)));
  });

  it("says nothing where the target has no prices, or none of the market that is declared", () => {
    assert.equal(planRollout({ ...request, target: [B] }).plan.cost, undefined);
    const spot = pool("a", { capacity: { spot: {} } });
    const onDemandOnly = prices.filter(({ market }) => market === "onDemand");
    assert.equal(planRollout({ ...request, target: [spot], prices: onDemandOnly }).plan.cost, undefined);
  });
});

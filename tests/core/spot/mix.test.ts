import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { Slot } from "../../../provider/core/spot/candidate";
import { NO_MEMORY } from "../../../provider/core/spot/memory";
import { mix, NO_SPOT_STATE, type Mix, type MixQuestion } from "../../../provider/core/spot/mix";
import { SPOT_DEFAULTS, type SpotSpec } from "../../../provider/core/spot/spec";
import { after, lost, MINUTE, place, refused, slot, standIn } from "./world";

describe("the mix of spot and on-demand", () => {
  const zones = [place("eu-1a"), place("us-2a")];
  const candidates = [...zones, place("eu-1a", "onDemand", 4)];
  const RUNNING = { missingSince: [], started: true };
  const SKYSERVE: Partial<SpotSpec> = { graceSeconds: 0, cautionSeconds: 0, fallbackAtStart: true };

  function asked(spec: Partial<SpotSpec>, slots: Slot[], given: Partial<MixQuestion> = {}): Mix {
    const state = given.state ?? RUNNING;
    const question = { state, memory: NO_MEMORY, candidates, wanted: 2, slots, now: 60 * MINUTE, ...given };
    return mix({ spec: { ...SPOT_DEFAULTS, ...spec }, ...question });
  }

  const both = ({ spot, onDemand }: Mix) => `${spot} spot, ${onDemand} on-demand`;
  const two = [slot("1", "eu-1a"), slot("2", "us-2a")];

  describe("as SkyServe's example goes", () => {
    it("starts two of each for a target of two", () => {
      assert.equal(both(asked(SKYSERVE, [], { state: NO_SPOT_STATE })), "2 spot, 2 on-demand");
    });

    it("ends on-demand when spot is ready", () => {
      assert.equal(both(asked(SKYSERVE, [...two, standIn("3"), standIn("4")])), "2 spot, 0 on-demand");
    });

    it("starts one of each when a spot replica is lost", () => {
      assert.equal(both(asked(SKYSERVE, [two[1]!], { memory: after([60, lost(zones[0]!)]) })), "2 spot, 1 on-demand");
    });

    it("is back to spot when it returns", () => {
      assert.equal(both(asked(SKYSERVE, [two[1]!, slot("5", "us-2a"), standIn("6")])), "2 spot, 0 on-demand");
    });

    it("keeps the base whatever spot does, alone and with the fallback", () => {
      const base = { ...SKYSERVE, baseOnDemandReplicas: 1 };
      assert.equal(both(asked(base, [])), "1 spot, 2 on-demand");
      assert.equal(both(asked({ ...base, dynamicOnDemandFallback: false }, [])), "1 spot, 1 on-demand");
      assert.equal(both(asked({ ...base, baseOnDemandReplicas: 5 }, [])), "0 spot, 2 on-demand");
    });
  });

  it("does not start twice at first, unless asked: spot comes, or what is refused comes as on-demand", () => {
    assert.equal(both(asked({}, [], { state: NO_SPOT_STATE })), "2 spot, 0 on-demand");
    const memory = after([60, refused(zones[0]!)], [60, refused(zones[1]!)]);
    assert.equal(both(asked({}, [], { state: NO_SPOT_STATE, memory })), "2 spot, 2 on-demand");
  });

  it("waits for a replacement that is on its way as long as spot usually takes, and half as long again (aws-karpenter#7490)", () => {
    const memory = after([0, { kind: "ready", candidate: zones[0]!, afterMs: 2 * MINUTE }]);
    const coming = slot("3", "us-2a", { status: "starting", launchedAt: 60 * MINUTE });
    const lostAt60 = asked({}, [two[1]!, coming], { memory });
    assert.equal(both(lostAt60), "2 spot, 0 on-demand");
    const later = (minute: number) =>
      asked({}, [two[1]!, coming], { memory, state: lostAt60.state, now: minute * MINUTE });
    assert.equal(both(later(62.9)), "2 spot, 0 on-demand");
    assert.equal(both(later(63)), "2 spot, 1 on-demand");
  });

  it("never ends a stand-in because spot is merely on its way", () => {
    const coming = slot("3", "us-2a", { status: "starting", launchedAt: 60 * MINUTE });
    assert.equal(both(asked({}, [two[1]!, coming, standIn("4")])), "2 spot, 1 on-demand");
  });

  it("needs nobody to stand in for what ready spare replicas cover", () => {
    const memory = after([60, refused(zones[0]!)], [60, refused(zones[1]!)]);
    assert.equal(both(asked({ numOverprovision: 1, cautionSeconds: 0 }, two, { memory })), "3 spot, 0 on-demand");
  });

  it("replaces a replica under notice at once", () => {
    const noticed = [slot("1", "eu-1a", { status: "noticed" }), two[1]!];
    assert.equal(both(asked({ graceSeconds: 0 }, noticed)), "2 spot, 1 on-demand");
  });

  it("keeps a stand-in for its least time", () => {
    const spec = { minFallbackSeconds: 600 };
    const slots = [...two, standIn("3", { launchedAt: 55 * MINUTE })];
    assert.equal(both(asked(spec, slots)), "2 spot, 1 on-demand");
    assert.equal(both(asked(spec, slots, { now: 65 * MINUTE })), "2 spot, 0 on-demand");
  });

  it("never has more stand-ins than the budget allows, in number or dollars (fargate-spot-fallback#186)", () => {
    const spec = (fallbackBudget: SpotSpec["fallbackBudget"]) => ({ ...SKYSERVE, fallbackBudget });
    const four = { wanted: 4 };
    assert.equal(asked(spec({ kind: "replicas", replicas: 3 }), [], four).fallback, 3);
    assert.equal(asked(spec({ kind: "dollarsPerHour", dollars: 9 }), [], four).fallback, 2);
    const unpriced = [...zones, place("eu-1a", "onDemand", null)];
    assert.equal(
      asked(spec({ kind: "dollarsPerHour", dollars: 9 }), [], { ...four, candidates: unpriced }).fallback,
      4,
    );
  });

  describe("with caution", () => {
    const memory = after([60, lost(zones[0]!)]);

    it("replaces what a loss left over in its zone, and has a spare", () => {
      const { spot, reason } = asked({}, [slot("1", "eu-1a"), slot("2", "us-2a")], { memory });
      assert.equal(spot, 4);
      assert.match(reason!, /1 spot replicas are replaced in advance.*one spot replica more/);
    });

    it("pays for no spare where the zone takes more at once than one spare would cover", () => {
      const both = after([60, lost(zones[0]!)], [60.5, lost(zones[0]!)]);
      const here = [slot("1", "eu-1a"), slot("2", "eu-1a"), slot("3", "us-2a"), slot("4", "us-2a")];
      assert.doesNotMatch(asked({}, here, { memory: both, wanted: 4 }).reason ?? "", /one spot replica more/);
      assert.match(asked({}, here, { memory, wanted: 4 }).reason!, /one spot replica more/);
      // Only one is left there to lose.
      assert.match(asked({}, here.slice(1), { memory: both, wanted: 3 }).reason!, /one spot replica more/);
    });

    it("keeps the spare that it asked for, though beside it the zone could take two (simulation n1/286: ended and launched for two hours)", () => {
      const both = after([60, lost(zones[0]!)], [60.5, lost(zones[0]!)]);
      const alone = [slot("1", "eu-1a")];
      const spare = slot("2", "eu-1a", { launchedAt: 59 * MINUTE });
      for (const slots of [alone, [...alone, spare]]) {
        assert.match(asked({}, slots, { memory: both, wanted: 1 }).reason!, /one spot replica more/);
      }
    });

    it("keeps the spare for two hours after one loss, and longer where more were taken one by one", () => {
      const uneasy = (minute: number, known = memory) =>
        /one spot replica more/.test(asked({}, two, { memory: known, now: minute * MINUTE }).reason ?? "");
      assert.deepEqual(
        [179, 181].map((minute) => uneasy(minute)),
        [true, false],
      );
      const twice = after([0, lost(zones[0]!)], [60, lost(zones[0]!)]);
      assert.deepEqual(
        [260, 300].map((minute) => uneasy(minute, twice)),
        [true, false],
      );
    });

    it("takes little notice of a loss that was small beside what stands there", () => {
      const many = Array.from({ length: 15 }, (_, index) => slot(String(index), "eu-1a"));
      assert.equal(both(asked({}, many, { memory, wanted: 15 })), "16 spot, 0 on-demand");
    });

    it("keeps on-demand until the zone that is back has held one replica for long enough (aws-karpenter#8298)", () => {
      const trial = slot("1", "eu-1a", { launchedAt: 62 * MINUTE });
      const at = (minute: number) => asked({}, [trial, standIn("2"), standIn("3")], { memory, now: minute * MINUTE });
      assert.equal(at(74).fallback, 2);
      assert.equal(at(75).fallback, 1);
    });
  });

  it("holds: base and bounds, whatever is there, and with nothing amiss there is no on-demand beyond the base", () => {
    const status = fc.constantFrom<Slot["status"]>("launching", "starting", "ready", "notReady", "noticed");
    const slots = fc.array(fc.record({ status, spot: fc.boolean(), zone: fc.constantFrom("eu-1a", "us-2a") }), {
      maxLength: 12,
    });
    const spec = fc.record({
      baseOnDemandReplicas: fc.integer({ min: 0, max: 4 }),
      numOverprovision: fc.integer({ min: 0, max: 3 }),
      graceSeconds: fc.constantFrom("auto" as const, 0, 300),
      cautionSeconds: fc.constantFrom(0, 600),
      dynamicOnDemandFallback: fc.boolean(),
      fallbackAtStart: fc.boolean(),
    });
    const troubled = fc.constantFrom(NO_MEMORY, after([60, lost(zones[0]!)]), after([60, refused(zones[1]!)]));
    fc.assert(
      fc.property(spec, slots, fc.integer({ min: 0, max: 6 }), troubled, (given, there, wanted, memory) => {
        const listed = there.map(({ status: is, spot, zone }, index) =>
          spot ? slot(String(index), zone, { status: is }) : standIn(String(index), { status: is }),
        );
        const got = asked(given, listed, { wanted, memory, state: NO_SPOT_STATE });
        const base = Math.min(given.baseOnDemandReplicas, wanted);
        assert.equal(got.onDemand, base + got.fallback);
        assert.ok(got.fallback >= 0 && got.fallback <= wanted - base);
        const readySpot = listed.filter((one) => one.market === "spot" && one.status === "ready").length;
        assert.ok(got.spot <= wanted - base + Math.max(1, given.numOverprovision) + readySpot);
        assert.ok(got.spot >= wanted - base);
        if (!given.dynamicOnDemandFallback) assert.equal(got.fallback, 0);
        if (memory === NO_MEMORY && readySpot >= wanted - base) assert.equal(got.fallback, 0);
        assert.deepEqual(JSON.parse(JSON.stringify(got.state)), got.state);
      }),
      { numRuns: 300 },
    );
  });
});

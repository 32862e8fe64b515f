import assert from "node:assert/strict";
import type { Load } from "../../../provider/core/scale/load";
import type { ScalingSpec } from "../../../provider/core/scale/spec";
import { STEADY, targetNow, type Target } from "../../../provider/core/scale/target";
import { scaling } from "../scaling";

const QUIET: Load = { qps: 0, busy: 0, meanBusy: 0, latencyP95Ms: null, firstByteP95Ms: null };

/** An autoscaler that is asked again and again. */
class Asked {
  now = Date.parse("2026-01-12T00:00:00Z");
  reasons: string[] = [];
  private trend = STEADY;

  constructor(
    readonly spec: ScalingSpec,
    public live: number,
    public shapes: string[] = [],
  ) {}

  ask(load: Partial<Load> | null, seconds = 0, floor = 0): Target {
    this.now += seconds * 1000;
    const answer = targetNow({
      scaling: this.spec,
      load: load && { ...QUIET, busy: load.qps === 0 ? 0 : 1, ...load },
      live: this.live,
      shapes: this.shapes,
      floor,
      trend: this.trend,
      now: this.now,
    });
    this.live = answer.replicas;
    this.trend = answer.trend;
    if (answer.reason !== null) this.reasons.push(answer.reason);
    return answer;
  }

  /** By SkyServe's ticks of 20 s. */
  ticks(load: Partial<Load>, count: number): number {
    for (let tick = 0; tick < count; tick += 1) this.ask(load, tick === 0 ? 0 : 20);
    return this.live;
  }
}

describe("the target of an autoscaled pool", () => {
  it("follows SkyServe's rule: 15 ticks of 20 s above, 60 below, then at once to what is needed", () => {
    const asked = new Asked(scaling(), 2);
    assert.equal(asked.ticks({ qps: 11 }, 15), 2);
    asked.ask({ qps: 11 }, 20);
    assert.equal(asked.live, 6);
    assert.equal(asked.ticks({ qps: 1 }, 60), 6);
    asked.ask({ qps: 1 }, 20);
    assert.equal(asked.live, 1);
    assert.deepEqual(asked.reasons, [
      "11 requests/s over 60 s at 2 a replica: more are needed for 300 s.",
      "1 requests/s over 60 s at 2 a replica: fewer are needed for 1200 s.",
    ]);
  });

  it("begins to wait anew when the need goes away for a moment or turns round", () => {
    const asked = new Asked(scaling(), 2);
    asked.ask({ qps: 11 });
    asked.ask({ qps: 3 }, 299);
    asked.ask({ qps: 11 }, 1);
    asked.ask({ qps: 11 }, 299);
    assert.equal(asked.live, 2);
    asked.ask({ qps: 1 }, 1);
    asked.ask({ qps: 11 }, 1);
    asked.ask({ qps: 11 }, 299);
    assert.equal(asked.live, 2);
    asked.ask({ qps: 11 }, 1);
    assert.equal(asked.live, 6);
  });

  it("stays within its bounds, which count at once", () => {
    const asked = new Asked(scaling({ min: 2, max: 5, upscaleDelaySeconds: 0 }), 8);
    assert.equal(asked.ask({ qps: 3 }).replicas, 5);
    assert.equal(asked.ask({ qps: 99 }).replicas, 5);
    asked.live = 1;
    assert.equal(asked.ask({ qps: 0 }).replicas, 2);
    assert.deepEqual(asked.reasons, ["max is 5.", "min is 2."]);
  });

  it("lets the largest of its signals win", () => {
    const spec = scaling({ targetInFlightPerReplica: 4, targetLatencyP95Ms: 500, upscaleDelaySeconds: 0 });
    assert.equal(new Asked(spec, 2).ask({ qps: 5, meanBusy: 5, latencyP95Ms: 400 }).replicas, 3);
    assert.equal(new Asked(spec, 2).ask({ qps: 5, meanBusy: 17, latencyP95Ms: 400 }).replicas, 5);
    const slow = new Asked(spec, 4).ask({ qps: 5, meanBusy: 5, latencyP95Ms: 750 });
    assert.equal(slow.replicas, 6);
    assert.equal(slow.reason, "a p95 latency of 750 ms at a target of 500 ms: more are needed for 0 s.");
  });

  it("counts by the machines that really run, and what is missing by the weakest that may come", () => {
    const mixed = scaling({
      targetQpsByShape: { "A100:1": 10, "L4:1": 2 },
      upscaleDelaySeconds: 0,
      downscaleDelaySeconds: 0,
    });
    const asked = new Asked(mixed, 3, ["A100:1", "L4:1", "A100:1"]);
    assert.equal(asked.ask({ qps: 22 }).replicas, 3);
    assert.equal(asked.ask({ qps: 25 }).replicas, 5, "two L4 would carry what is missing");
    asked.shapes.push("A100:1");
    assert.equal(asked.ask({ qps: 25 }).replicas, 4, "one A100 came, and carries it alone");
    assert.equal(asked.ask({ qps: 12 }).replicas, 2, "whichever two go, two that stay carry it");
    asked.shapes = ["A100:1", "L4:1"];
    assert.equal(asked.ask({ qps: 11 }).replicas, 2);
    assert.match(asked.reasons[0]!, /^25 requests\/s over 60 s at 22 for the 3 replicas there are: more are needed/);
  });

  it("at most doubles for slowness, and takes one away when there is ample room", () => {
    const spec = scaling({
      targetQpsPerReplica: null,
      targetTimeToFirstByteP95Ms: 200,
      upscaleDelaySeconds: 0,
      downscaleDelaySeconds: 0,
    });
    assert.equal(new Asked(spec, 3).ask({ firstByteP95Ms: 5000 }).replicas, 6);
    assert.equal(new Asked(spec, 3).ask({ firstByteP95Ms: 150 }).replicas, 3);
    assert.equal(new Asked(spec, 3).ask({ firstByteP95Ms: 50 }).replicas, 2);
    assert.equal(new Asked(spec, 3).ask({ firstByteP95Ms: null, busy: 0 }).replicas, 1);
  });

  it("goes in steps where it is told to, each after another delay", () => {
    const asked = new Asked(scaling({ max: 40, maxStepUpPercent: 50, maxStepDown: 3 }), 4);
    asked.ask({ qps: 79 });
    const up = [300, 300, 300, 300, 300, 300, 300, 300].map((after) => asked.ask({ qps: 79 }, after).replicas);
    assert.deepEqual(up, [6, 6, 9, 9, 13, 13, 19, 19]);
    asked.ask({ qps: 1 });
    assert.equal(asked.ask({ qps: 1 }, 1200).replicas, 16);
  });

  it("ends the last replica only when nothing is in flight, and wakes at once for whatever comes", () => {
    const asked = new Asked(scaling({ min: 0, downscaleDelaySeconds: 10 }), 1);
    asked.ask({ qps: 0, busy: 1 });
    assert.equal(asked.ask({ qps: 0, busy: 1 }, 60).replicas, 1);
    asked.ask({ qps: 0, busy: 0 });
    assert.equal(asked.ask({ qps: 0, busy: 0 }, 10).replicas, 0);
    assert.equal(asked.ask({ qps: 0.1, busy: 0 }).replicas, 1);
    asked.live = 0;
    assert.equal(asked.ask({ qps: 7, busy: 3 }).replicas, 4);
    assert.equal(asked.reasons.at(-1), "7 requests/s over 60 s at 2 a replica, and nobody is there.");
  });

  it("keeps what it has while the load cannot be seen, and what a rollout needs", () => {
    const asked = new Asked(scaling({ min: 0, downscaleDelaySeconds: 0 }), 3);
    assert.equal(asked.ask(null, 9999).replicas, 3);
    assert.equal(asked.ask({ qps: 0 }, 1, 2).replicas, 2);
    assert.equal(asked.ask({ qps: 0 }, 1, 0).replicas, 0);
    assert.equal(asked.ask(null, 0, 1).replicas, 1);
    assert.equal(asked.reasons.at(-1), "a rollout in progress keeps 1 of each version.");
  });

  it("has a schedule's number from its first minute on, and lets it go after the delay", () => {
    const schedules = [{ cron: "0 8 * * *", timeZone: "UTC", durationSeconds: 3600, min: 6 }];
    const asked = new Asked(scaling({ schedules }), 1);
    assert.equal(asked.ask({ qps: 1 }, 8 * 3600 - 1).replicas, 1);
    assert.equal(asked.ask({ qps: 1 }, 1).replicas, 6);
    assert.equal(asked.reasons.at(-1), 'the schedule "0 8 * * *" (UTC) keeps 6.');
    assert.equal(asked.ask({ qps: 1 }, 3600).replicas, 6);
    assert.equal(asked.ask({ qps: 1 }, 1200).replicas, 1);
  });

  it("does not wait longer for a clock that was put back", () => {
    const asked = new Asked(scaling(), 2);
    asked.ask({ qps: 11 });
    asked.ask({ qps: 11 }, -3600);
    assert.equal(asked.ask({ qps: 11 }, 300).replicas, 6);
  });
});

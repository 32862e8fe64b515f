import assert from "node:assert/strict";
import { VERSION_BOUNDS_MS, type VersionMetrics } from "../../../provider/core/observed";
import { loadNow, noteLoad, NO_LOAD, type Load } from "../../../provider/core/scale/load";

/** Looked at every second, over a window of 60 s. */
class Looked {
  memory = NO_LOAD;
  now = 1_000_000;
  counted = 0;
  versions: VersionMetrics[] | null = null;

  pass(seconds: number, { qps = 0, inFlight = 0, queued = 0 } = {}): Load {
    let load: Load | null = null;
    for (let second = 0; second < seconds; second += 1) {
      this.now += 1000;
      this.counted += qps;
      const pool = { arrivals: this.counted, inFlight, queued };
      this.memory = noteLoad(this.memory, { pool, versions: this.versions }, 60, this.now);
      load = loadNow(this.memory, pool, 60, this.now);
    }
    return load!;
  }
}

function answered(milliseconds: number, count: number): VersionMetrics {
  const histogram = new Array<number>(VERSION_BOUNDS_MS.length + 1).fill(0);
  histogram[VERSION_BOUNDS_MS.findIndex((bound) => milliseconds <= bound)] = count;
  return { requests: count, errors: 0, latency: histogram, timeToFirstByte: histogram };
}

describe("what an autoscaler knows of a pool's load", () => {
  it("is the rate over the window, which rises and falls within one", () => {
    const looked = new Looked();
    assert.equal(looked.pass(1).qps, 0);
    const half = looked.pass(30, { qps: 10 }).qps;
    assert.ok(half > 4.5 && half < 5.5, String(half));
    const full = looked.pass(60, { qps: 10 }).qps;
    assert.ok(Math.abs(full - 10) < 0.2, String(full));
    assert.equal(looked.pass(70).qps, 0);
  });

  it("is written down a few times a window, not at every look", () => {
    const looked = new Looked();
    looked.pass(60);
    const { memory } = looked;
    looked.now -= 500;
    looked.pass(1, { qps: 3 });
    assert.equal(looked.memory, memory);
    looked.pass(600, { qps: 3 });
    assert.ok(looked.memory.samples.length <= 14, String(looked.memory.samples.length));
  });

  it("goes on when the engine begins to count anew", () => {
    const looked = new Looked();
    looked.pass(60, { qps: 10 });
    looked.counted = 0;
    const { qps } = looked.pass(1, { qps: 10 });
    assert.ok(qps > 9 && qps < 11, String(qps));
  });

  it("averages over a time in which nobody looked, instead of seeing a burst", () => {
    const looked = new Looked();
    looked.pass(60, { qps: 2 });
    looked.now += 600_000;
    looked.counted += 1200;
    const { qps } = looked.pass(1, { qps: 2 });
    assert.ok(qps > 1.9 && qps < 2.1, String(qps));
  });

  it("has the mean of what is in flight and waiting", () => {
    const looked = new Looked();
    looked.pass(60, { inFlight: 4, queued: 2 });
    const { busy, meanBusy } = looked.pass(30, { inFlight: 0 });
    assert.equal(busy, 0);
    assert.ok(meanBusy > 2 && meanBusy < 4, String(meanBusy));
  });

  it("has the percentiles of the window before, and none where nothing was answered", () => {
    const looked = new Looked();
    looked.versions = [answered(900, 50)];
    looked.pass(1);
    looked.versions = [answered(900, 50), answered(100, 100)];
    const { latencyP95Ms, firstByteP95Ms } = looked.pass(65);
    assert.ok(latencyP95Ms! > 60 && latencyP95Ms! < 130, String(latencyP95Ms));
    assert.ok(firstByteP95Ms! > 60 && firstByteP95Ms! < 130);
    assert.equal(looked.pass(65).latencyP95Ms, null);
  });

  it("begins anew when the clock was put back", () => {
    const looked = new Looked();
    looked.pass(60, { qps: 10 });
    looked.now -= 3_600_000;
    assert.equal(looked.pass(1, { qps: 10 }).qps, 0);
    const { qps } = looked.pass(60, { qps: 10 });
    assert.ok(qps > 9 && qps < 11, String(qps));
  });
});

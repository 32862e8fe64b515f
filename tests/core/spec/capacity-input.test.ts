import assert from "node:assert/strict";
import { parse } from "../../../provider/core/spec/check-result";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { poolSpec } from "../../../provider/core/spec/pool-spec";
import { UNKNOWN } from "../../../provider/core/spec/unknown";
import { scaling } from "../scaling";

const pool = {
  project: "shop",
  stack: "dev",
  name: "chat",
  service: "shop/dev/chat",
  template: { run: "node server.js", resources: { accelerators: { A10G: 1 } } },
};

function reasons(capacity: unknown, more: object = {}): string[] {
  const parsed = parse(poolInput, { ...pool, ...more, capacity });
  return parsed.ok ? [] : parsed.failures.map(({ reason }) => reason);
}

function spec(capacity: object, more: object = {}) {
  return poolSpec(poolInput.parse({ ...pool, ...more, capacity }), null);
}

describe("the capacity of a pool", () => {
  it("has SkyServe's delays by default, and begins with min", () => {
    const { replicas, scaling: found } = spec({ min: 2, max: 10, targetQpsPerReplica: 2 });
    assert.equal(replicas, 2);
    assert.deepEqual(found, scaling({ min: 2, initial: 2 }));
  });

  it("refuses limits of steps where nothing moves the number", () => {
    const [reason, ...others] = reasons({ maxStepDown: 1 }, { replicas: 4 });
    assert.match(reason!, /nothing moves it: give min, max and a target too/);
    assert.deepEqual(others, []);
  });

  it("begins with one replica where it may have none", () => {
    assert.equal(spec({ min: 0, max: 3, targetInFlightPerReplica: 4 }).replicas, 1);
  });

  it("is a fixed number where it only says min, and stays one beside what says nothing of numbers", () => {
    const { replicas, scaling: found } = spec({ min: 3 });
    assert.deepEqual([replicas, found?.min, found?.max], [3, 3, 3]);
    assert.deepEqual([spec({}, { replicas: 4 }).replicas, spec({}, { replicas: 4 }).scaling], [4, null]);
  });

  it("takes the number of the accelerator that the template asks for", () => {
    const { scaling: found } = spec({ max: 4, targetQpsPerReplica: { A10G: 7 } });
    assert.equal(found?.targetQpsPerReplica, 7);
  });

  it("takes the number of each machine that the template takes, and plans by the one that gets the fewest", () => {
    const template = { run: "x", resources: { accelerators: [{ A10G: 1 }, { L4: 1, T4: 2 }] } };
    const capacity = { max: 4, targetQpsPerReplica: { A10G: 7, L4: 5, T4: 3 } };
    const { scaling: found, launch } = spec(capacity, { template });
    assert.deepEqual(found?.targetQpsByShape, { "A10G:1": 7, "L4:1+T4:2": 3 });
    assert.equal(found.targetQpsPerReplica, 3);
    assert.deepEqual(launch.resources.accelerators, template.resources.accelerators);
    const [missing] = reasons({ max: 4, targetQpsPerReplica: { A10G: 7, L4: 5 } }, { template });
    assert.match(missing!, /must have a number for T4/);
    assert.equal(spec({ max: 4, targetQpsPerReplica: 6 }, { template }).scaling?.targetQpsByShape, undefined);
  });

  it("takes durations as Pulumi writes them", () => {
    const schedules = [{ cron: "0 8 * * *", durationSeconds: "10h", min: 2 }];
    const { scaling: found } = spec({ max: 4, schedules, upscaleDelaySeconds: "90s", downscaleDelaySeconds: 0 });
    assert.deepEqual([found?.upscaleDelaySeconds, found?.downscaleDelaySeconds], [90, 0]);
    assert.deepEqual(found?.schedules, [{ cron: "0 8 * * *", timeZone: "UTC", durationSeconds: 36_000, min: 2 }]);
  });

  it("is no part of the revision, and of the spec's hash it is", () => {
    const [one, other] = [
      spec({ min: 1, max: 4, targetQpsPerReplica: 2 }),
      spec({ min: 1, max: 5, targetQpsPerReplica: 2 }),
    ];
    assert.equal(one.revision, other.revision);
    assert.notEqual(one.specHash, other.specHash);
  });

  it("is the same when what was parsed is parsed again, as `up` does", () => {
    const once = poolInput.parse({ ...pool, capacity: { max: 4, targetQpsPerReplica: { A10G: 2 } } });
    assert.deepEqual(poolInput.parse(once), once);
  });

  it("lets unknowns pass", () => {
    assert.deepEqual(reasons(UNKNOWN), []);
    assert.deepEqual(reasons({ min: UNKNOWN, max: UNKNOWN, targetQpsPerReplica: UNKNOWN, schedules: UNKNOWN }), []);
  });

  const refused: [string, object, RegExp, object?][] = [
    [
      "a target of 0 requests a second",
      { max: 4, targetQpsPerReplica: 0 },
      /^capacity.targetQpsPerReplica: .*more than 0/,
    ],
    [
      "a target of 0 for one accelerator",
      { max: 4, targetQpsPerReplica: { A10G: 0 } },
      /^capacity.targetQpsPerReplica: .*more than 0, or one for each accelerator/,
    ],
    [
      "a target of 0 in flight",
      { max: 4, targetInFlightPerReplica: 0 },
      /^capacity.targetInFlightPerReplica: .*more than 0/,
    ],
    ["more min than max", { min: 5, max: 4, targetQpsPerReplica: 1 }, /^capacity.max: must be at least min \(5\)$/],
    ["a max that nothing leads to", { min: 1, max: 4 }, /^capacity.max: is never reached: say by what it grows/],
    [
      "a signal without a max",
      { min: 1, targetQpsPerReplica: 1 },
      /^capacity.max: must be given beside `targetQpsPerReplica`/,
    ],
    [
      "an initial number out of bounds",
      { max: 4, initial: 5, targetQpsPerReplica: 1 },
      /^capacity.initial: must be from 1 to 4/,
    ],
    [
      "a fixed number beside it",
      { max: 4, targetQpsPerReplica: 1 },
      /^replicas: is a fixed number, and `capacity`/,
      { replicas: 2 },
    ],
    [
      "an accelerator that the template does not ask for",
      { max: 4, targetQpsPerReplica: { A10G: 1, H100: 4 } },
      /^capacity.targetQpsPerReplica.H100: is no accelerator of template.resources, which asks for A10G$/,
    ],
    ["no number for the one that it asks for", { max: 4, targetQpsPerReplica: {} }, /must have a number for A10G/],
    [
      "accelerators where there are none",
      { max: 4, targetQpsPerReplica: { A10G: 1 } },
      /template.resources asks for none: give one number/,
      { template: { run: "x" } },
    ],
    [
      "a wrong time zone",
      { max: 4, schedules: [{ cron: "0 8 * * *", timeZone: "Berlin", durationSeconds: 60, min: 2 }] },
      /^capacity.schedules.0.timeZone: is no time zone: give a name such as/,
    ],
    [
      "a wrong cron expression",
      { max: 4, schedules: [{ cron: "at eight", durationSeconds: 60, min: 2 }] },
      /^capacity.schedules.0.cron: must be a cron expression of five fields/,
    ],
    [
      "a schedule above max",
      { max: 4, schedules: [{ cron: "0 8 * * *", durationSeconds: 60, min: 5 }] },
      /^capacity.schedules.0.min: must be at most max \(4\)$/,
    ],
    [
      "a schedule for days",
      { max: 4, schedules: [{ cron: "0 8 * * *", durationSeconds: "48h", min: 2 }] },
      /must be at most a day/,
    ],
    [
      "a field that there is not",
      { max: 4, targetQpsPerReplicas: 3 },
      /no field `targetQpsPerReplicas` here. Did you mean `targetQpsPerReplica`/,
    ],
  ];
  for (const [what, capacity, sentence, more] of refused) {
    it(`is refused for ${what}`, () => {
      const found = reasons(capacity, more);
      assert.equal(found.length, 1, JSON.stringify(found));
      assert.match(found[0]!, sentence);
    });
  }
});

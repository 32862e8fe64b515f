import assert from "node:assert/strict";
import { VERSION_BOUNDS_MS } from "../../provider/core/observed";
import type { RolloutProgress, State } from "../../provider/core/state";
import { serviceView, type ServiceView } from "../../provider/cli/view/service";
import { statusText } from "../../provider/cli/view/status";
import type { DataPlaneReport } from "../../provider/ports/dataplane";
import { poolSpec } from "../simulation/intents";
import type { World } from "../simulation/world";
import { rollingWorld, servingWorld } from "./stored-world";

const MINUTE = 60_000;

describe("status of a rollout", () => {
  function look(world: World, change: (state: State, now: number) => void, dataplane?: DataPlaneReport): ServiceView {
    const state = structuredClone(world.state!);
    change(state, world.now);
    return serviceView({ intent: world.intent, state, lease: null, dataplane: dataplane ?? null, now: world.now });
  }

  const rolling = (change: (rollout: RolloutProgress, now: number) => void) =>
    look(rollingWorld(), (state, now) => change(state.rollout!, now));

  const shows: [string, (rollout: RolloutProgress, now: number) => void, RegExp][] = [
    [
      "a hold, and both ways out of it",
      (rollout, now) => (rollout.held = { percent: 10, since: now - 3 * MINUTE }),
      /held at 10 % for 3m; `pulumi-serve rollout promote` completes it, `pulumi-serve rollout abort` goes back/,
    ],
    [
      "a pause",
      (rollout, now) => (rollout.paused = { since: now - 2 * MINUTE }),
      /paused for 2m; `pulumi-serve rollout resume` lets it go on/,
    ],
    [
      "that the canary failed while automatic rollback is off",
      (rollout) => (rollout.failed = "exit code 3"),
      /the canary failed, and automatic rollback is off: exit code 3; `pulumi-serve rollout abort` goes back/,
    ],
    [
      "how it goes back and why",
      (rollout) => {
        const mode = { mode: "gradual", maxSurgePercent: 10 } as const;
        rollout.direction = {
          kind: "back",
          reason: "a gate failed",
          rejects: true,
          cause: "gateFailed",
          mode,
          walk: "planned",
        };
      },
      /rolling back, gradual \(a gate failed\)/,
    ],
    [
      "that what it goes back to does not come up, and since when",
      (rollout, now) => {
        rollout.direction = {
          kind: "back",
          reason: "a gate failed",
          rejects: true,
          cause: "gateFailed",
          mode: { mode: "safe" },
          walk: "continuous",
          awaits: { pool: "p", since: now - 4 * MINUTE },
        };
      },
      /waits for the old replicas of pool p for 4m: they do not start/,
    ],
    [
      "that an operator brings a version back",
      (rollout) => (rollout.origin = { kind: "operator", reason: "rollback to version 2" }),
      /brought back by an operator \(rollback to version 2\)/,
    ],
    [
      "what the clock counts and what it leaves out",
      (rollout, now) => {
        rollout.startedAt = now - 10 * MINUTE;
        rollout.stopped = { totalMs: 2 * MINUTE, stepMs: 0, since: now - MINUTE };
      },
      /ran for 7m of 2h; the clock stands still for 3m/,
    ],
    [
      "a step's own clock",
      (rollout, now) => {
        rollout.strategy.stepTimeoutSeconds = 600;
        rollout.cursorSince = now - 5 * MINUTE;
        rollout.stopped = { totalMs: MINUTE, stepMs: MINUTE, since: null };
      },
      /this step for 4m of 10m; the clock stood still for 1m/,
    ],
  ];
  for (const [what, change, line] of shows) {
    it(`shows ${what}`, () => assert.match(statusText([rolling(change)]), line));
  }

  it("shows what a replica counts as where that is not 1, of both versions where they differ (A14)", () => {
    const lines = (primary: number, canary: number) =>
      statusText([
        look(rollingWorld(), ({ pools }) => {
          pools["p"]!.primary!.capacityWeight = primary;
          pools["p"]!.canary!.capacityWeight = canary;
        }),
      ])
        .split("\n")
        .filter((line) => line.includes("capacityWeight"));
    assert.deepEqual(lines(1, 1), []);
    assert.deepEqual(lines(2, 2), ["service: Pool p: a replica counts as 2 (capacityWeight)"]);
    assert.deepEqual(lines(1, 4), ["service: Pool p: a replica counts as 1 (capacityWeight), one of the canary as 4"]);
  });

  const verdicts = [
    [{ kind: "passed" }, /the gates pass/],
    [{ kind: "failed", reason: "5 % fail" }, /a gate fails: 5 % fail/],
    [{ kind: "inconclusive", reason: "3 of 50 requests" }, /the gates have no verdict yet: 3 of 50 requests/],
  ] as const;
  for (const [verdict, line] of verdicts) {
    it(`shows the verdict of the gates when it is ${verdict.kind}`, () => {
      const view = rolling((rollout) => (rollout.gate = { cursor: rollout.cursor, baseline: {}, verdict, about: "" }));
      assert.deepEqual(view.rollout!.gate, verdict);
      assert.match(statusText([view]), line);
    });
  }

  it("does not show the verdict of an earlier step", () => {
    const verdict = { kind: "passed" } as const;
    assert.equal(
      rolling((rollout) => (rollout.gate = { cursor: 0, baseline: {}, verdict, about: "" })).rollout!.gate,
      null,
    );
  });

  for (const [starved, line] of [
    [false, / {2}waits for capacity for 2m: zone a has no A10G/],
    [true, / {2}waits for capacity for 2m, and `pulumi up` no longer waits for it: zone a has no A10G/],
  ] as const) {
    it(`shows what capacity it waits for, ${starved ? "also when" : "as long as"} \`up\` ${starved ? "gave up" : "waits"}`, () => {
      const view = look(rollingWorld(), (state, now) => {
        state.conditions = [{ kind: "noCapacity", pool: "p", message: "zone a has no A10G", since: now }];
        state.rollout!.capacity = { since: now - 2 * MINUTE, starved };
      });
      assert.match(statusText([view]), line);
    });
  }

  it("shows the traffic of the moment, and no step, while it goes back as fast as it can", () => {
    const view = look(rollingWorld(), (state) => {
      const of = { reason: "it failed", rejects: true, cause: "canaryFailed", mode: { mode: "safe" } } as const;
      state.rollout!.direction = { kind: "back", ...of, walk: "continuous" };
      state.routing.weights = { canary: 1, primary: 3 };
    });
    assert.match(statusText([view]), /rolling back, safe \(it failed\), traffic 1:3 canary:primary\n {2}ran for/);
  });

  it("lists the kept versions, without the one that serves", () => {
    const view = look(servingWorld(), (state, now) => {
      state.history = [3, 1].map((version) => {
        const p = poolSpec("p", `v${version}`, 4);
        return { version, serviceRevision: "", pools: { p }, replacedAt: now - 5 * MINUTE };
      });
    });
    assert.match(statusText([view]), /Kept Versions\n.*VERSION +REPLACED +POOLS\nservice +3 +5 mins ago +p=4xv3\n/);
    assert.deepEqual(
      view.keptVersions.map(({ version }) => version),
      [3],
    );
  });

  it("shows what each version's requests came to", () => {
    const counted = (requests: number, errors: number, bucket: number) => {
      const latency = VERSION_BOUNDS_MS.map((_, index) => (index === bucket ? requests : 0)).concat(0);
      return { requests, errors, latency, timeToFirstByte: latency };
    };
    const versions = { p: { a: counted(300, 0, 20), b: counted(100, 5, 24), gone: counted(7, 7, 1) } };
    const dataplane = { ...REPORT, versions };
    const view = look(rollingWorld(), () => {}, dataplane);
    assert.deepEqual(
      view.traffic.map(({ version, side, requests, errorPercent }) => [version, side, requests, errorPercent]),
      [
        [1, "primary", 300, 0],
        [2, "canary", 100, 5],
      ],
    );
    assert.match(statusText([view]), /service +p +2 +canary +100 +5\.00 % +\d+ ms +\d+ ms/);
  });

  it("shows no numbers of a balancer that has none or does not answer", () => {
    assert.doesNotMatch(statusText([look(rollingWorld(), () => {}, REPORT)]), /Requests since/);
    assert.doesNotMatch(statusText([look(rollingWorld(), () => {})]), /Requests since/);
  });
});

const REPORT: DataPlaneReport = {
  generation: 1,
  replicas: {},
  versions: {},
  pid: 1,
  startedAt: 0,
  endpoint: null,
  routes: {},
  metrics: {},
};

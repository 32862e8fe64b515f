import assert from "node:assert/strict";
import { parse } from "../../../provider/core/spec/check-result";
import { rolloutInput } from "../../../provider/core/spec/rollout-input";
import { gateContents, strategyOf, withoutContents } from "../../../provider/core/spec/strategy-of";
import { UNKNOWN } from "../../../provider/core/spec/unknown";
import { blueGreen, inPlace, rolling, surge } from "../strategies";

const rollout = (strategy: unknown) => ({
  project: "shop",
  stack: "dev",
  name: "chat",
  service: "shop/dev/chat",
  pools: [{ name: "a" }],
  strategy,
});

function parsed(strategy: unknown) {
  const result = parse(rolloutInput, rollout(strategy));
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.strategy;
}

const accepted = (strategy: unknown) => strategyOf(parsed(strategy));

/** Every reason for which a strategy is refused. */
function refused(strategy: unknown): string[] {
  const result = parse(rolloutInput, rollout(strategy));
  assert.ok(!result.ok, "was accepted");
  return result.failures.map(({ reason }) => reason);
}

function refusedFor(strategy: unknown, reason: RegExp): void {
  const reasons = refused(strategy);
  assert.equal(reasons.length, 1, JSON.stringify(reasons));
  assert.match(reasons[0]!, reason);
}

describe("the strategy that a program declares", () => {
  it("is a surge of 25 % within two hours when nothing is said", () => {
    assert.deepEqual(accepted(undefined), surge(25));
    assert.deepEqual(accepted({}), surge(25));
  });

  it("has the defaults of its kind", () => {
    assert.deepEqual(accepted({ kind: "blueGreen" }), blueGreen());
    assert.deepEqual(accepted({ kind: "rolling" }), rolling());
    assert.deepEqual(accepted({ kind: "inPlace" }), inPlace());
  });

  it("takes every member, durations in seconds or as Pulumi writes them", () => {
    const gates = [
      { kind: "errorRate", maxPercent: 1 },
      { kind: "p95", maxTimesPrimary: 1.2, minRequests: 20 },
      { kind: "firstByteP95", maxMilliseconds: 300 },
      { kind: "command", run: "./judge", timeoutSeconds: "2m" },
      { kind: "webhook", url: "https://example.com/gate" },
    ];
    const [command, webhook] = [...gateContents(parsed({ gates })).keys()];
    assert.deepEqual(
      accepted({
        maxSurgePercent: 50,
        timeoutSeconds: "90m",
        stepTimeoutSeconds: 60,
        capacityWaitSeconds: "1h",
        bakeSeconds: "30s",
        rollback: { mode: "gradual", maxSurgePercent: 10 },
        gates,
        keepRevisions: 0,
      }),
      surge(50, {
        timeoutSeconds: 5400,
        stepTimeoutSeconds: 60,
        capacityWaitSeconds: 3600,
        bakeSeconds: 30,
        rollback: { mode: "gradual", maxSurgePercent: 10 },
        gates: [
          { kind: "errorRate", maxPercent: 1, maxAbovePrimary: null, minRequests: 100 },
          { kind: "p95", maxMilliseconds: null, maxTimesPrimary: 1.2, minRequests: 20 },
          { kind: "firstByteP95", maxMilliseconds: 300, maxTimesPrimary: null, minRequests: 100 },
          { kind: "command", secret: command!, timeoutSeconds: 120 },
          { kind: "webhook", secret: webhook!, timeoutSeconds: 60 },
        ],
        keepRevisions: 0,
      }),
    );
  });

  it("goes back gradually by its own surge, or by 25 % where it has none", () => {
    const rollback = { mode: "gradual" };
    assert.deepEqual(accepted({ maxSurgePercent: 10, rollback }).rollback, { mode: "gradual", maxSurgePercent: 10 });
    assert.deepEqual(accepted({ kind: "blueGreen", rollback }).rollback, { mode: "gradual", maxSurgePercent: 25 });
  });

  it("is the same when what was parsed is parsed again, as `up` does", () => {
    for (const given of [{}, { canaryPercent: 10 }, { kind: "blueGreen" }, { kind: "rolling" }, { kind: "inPlace" }]) {
      const once = parsed(given);
      assert.deepEqual(parsed(once), once);
    }
  });

  it("lets unknowns pass at every depth", () => {
    const gates = [UNKNOWN, { kind: "errorRate", maxPercent: UNKNOWN }, { kind: UNKNOWN }];
    for (const given of [
      UNKNOWN,
      { kind: UNKNOWN, order: "x" },
      { gates: UNKNOWN },
      { gates, canaryPercent: UNKNOWN },
    ]) {
      parsed(given);
    }
    parsed({ kind: "rolling", rollback: UNKNOWN });
    parsed({ canaryPercent: 0, gates: [UNKNOWN] });
  });

  it("keeps all that a command or webhook is under a name, which changes with it, and shows no more of it", () => {
    const command = { kind: "command", run: "./judge", env: { TOKEN: "hunter2" } };
    const webhook = { kind: "webhook", url: "https://example.com/hunter2", headers: { authorization: "hunter2" } };
    const input = parsed({ gates: [command, webhook] });
    const strategy = strategyOf(input);
    const names = strategy.gates.map((gate) => "secret" in gate && gate.secret);
    assert.deepEqual(
      [...gateContents(input)],
      [
        [names[0], command],
        [names[1], webhook],
      ],
    );
    assert.doesNotMatch(JSON.stringify([strategy, withoutContents(input)]), /hunter2|judge|example/);
    assert.deepEqual(withoutContents(withoutContents(input)), withoutContents(input));
    const other = strategyOf(parsed({ gates: [{ ...command, env: { TOKEN: "hunter3" } }, webhook] }));
    assert.notDeepEqual(other.gates[0], strategy.gates[0]);
    assert.deepEqual(other.gates[1], strategy.gates[1]);
  });

  it("keeps a webhook's address out of what Pulumi prints of a failure", () => {
    const result = parse(rolloutInput, rollout({ gates: [{ kind: "webhook", url: "ftp://s3cret" }] }));
    assert.ok(!result.ok);
    assert.equal(result.failures[0]!.property, "");
    assert.doesNotMatch(result.failures[0]!.reason, /s3cret/);
  });
});

describe("a strategy is refused, naming the field, when it", () => {
  it("has a surge of 0, with the advice to use rolling", () => {
    refusedFor(
      { maxSurgePercent: 0 },
      /^strategy.maxSurgePercent: 0 leaves no room for a canary: use the kind "rolling"/,
    );
  });

  for (const maxSurgePercent of [-1, 101, 2.5, "25"]) {
    it(`has a surge of ${JSON.stringify(maxSurgePercent)}`, () =>
      refusedFor({ maxSurgePercent }, /^strategy.maxSurgePercent: must be a whole number from 1 to 100/));
  }

  it("is of a kind that there is not", () => {
    refusedFor({ kind: "canary" }, /^strategy.kind: must be "surge" or "blueGreen" or "rolling" or "inPlace"$/);
    refusedFor("surge", /^strategy: must be an object$/);
    refusedFor(
      { maxSurgePercentage: 5 },
      /^strategy: There is no field `maxSurgePercentage` here. Did you mean `maxSurgePercent`/,
    );
    refusedFor({ maxSurge: 5 }, /Did you mean `maxSurgePercent`/);
  });

  for (const kind of ["blueGreen", "rolling", "inPlace"]) {
    it(`is ${kind} with a canary or a surge`, () => {
      const reasons = refused({ kind, canaryPercent: 10, maxSurgePercent: 25 });
      assert.deepEqual(reasons, [
        `strategy.canaryPercent: belongs to the kind "surge", not to "${kind}": leave it out, or change \`kind\``,
        `strategy.maxSurgePercent: belongs to the kind "surge", not to "${kind}": leave it out, or change \`kind\``,
      ]);
    });
  }

  for (const [name, value, kinds] of [
    ["maxUnavailablePercent", 20, ["surge", "blueGreen"]],
    ["allowOutage", true, ["surge", "blueGreen"]],
    ["order", "startFirst", ["surge", "blueGreen", "inPlace"]],
  ] as const) {
    it(`has ${name} where it does not belong`, () => {
      for (const kind of kinds) {
        refusedFor({ kind, [name]: value }, new RegExp(`^strategy.${name}: belongs to the kind .*, not to "${kind}"`));
      }
    });
  }

  it("holds a canary and wants an automatic rollback", () => {
    refusedFor(
      { canaryPercent: 10, rollback: { mode: "safe" } },
      /^strategy.rollback: `canaryPercent` turns automatic rollback off/,
    );
  });

  it("judges a canary without traffic by its traffic", () => {
    const gates = [
      { kind: "command", run: "true" },
      { kind: "p95", maxMilliseconds: 5 },
    ];
    refusedFor({ canaryPercent: 0, gates }, /^strategy.gates.1: a `canaryPercent` of 0 gives the canary no traffic/);
  });

  it("compares with a primary that has no traffic after a cut-over", () => {
    for (const gate of [
      { kind: "errorRate", maxPercent: 1, maxAbovePrimary: 1 },
      { kind: "p95", maxTimesPrimary: 2 },
    ]) {
      refusedFor({ kind: "blueGreen", gates: [gate] }, /^strategy.gates.0.max\w+Primary: after a blueGreen cut-over/);
    }
    accepted({ kind: "blueGreen", gates: [{ kind: "errorRate", maxPercent: 1 }] });
  });

  it("has a gate without a limit, of no kind, or with a limit of another kind", () => {
    refusedFor({ gates: [{ kind: "errorRate" }] }, /^strategy.gates.0: needs a limit: give `maxPercent`/);
    refusedFor({ gates: [{ kind: "firstByteP95" }] }, /^strategy.gates.0: needs a limit: give `maxMilliseconds`/);
    refusedFor({ gates: [{ maxPercent: 1 }] }, /^strategy.gates.0.kind: must be "errorRate" or "p95"/);
    refusedFor({ gates: [{ kind: "p95", maxMilliseconds: 1, maxPercent: 1 }] }, /gates.0.maxPercent: belongs to/);
    refusedFor({ gates: [{ kind: "webhook", url: "file:///x" }] }, /gates.0.url: must be an http or https URL/);
  });

  it("goes back in waves and wants another way", () => {
    for (const kind of ["rolling", "inPlace"]) {
      refusedFor({ kind, rollback: { mode: "immediate" } }, /^strategy.rollback.mode: .*goes back wave by wave/);
      accepted({ kind, rollback: { mode: "safe" } });
    }
  });

  it("gives a surge to a rollback that has none", () => {
    refusedFor(
      { rollback: { mode: "safe", maxSurgePercent: 10 } },
      /^strategy.rollback.maxSurgePercent: belongs to the mode "gradual"/,
    );
  });

  it("has numbers out of bounds", () => {
    refusedFor({ canaryPercent: 101 }, /^strategy.canaryPercent: must be a whole number from 0 to 100/);
    refusedFor(
      { kind: "rolling", maxUnavailablePercent: 0 },
      /maxUnavailablePercent: must be a whole number from 1 to 100/,
    );
    refusedFor({ kind: "rolling", order: "both" }, /^strategy.order: must be "stopFirst" or "startFirst"/);
    refusedFor({ keepRevisions: 51 }, /^strategy.keepRevisions: must be a whole number from 0 to 50/);
    refusedFor({ bakeSeconds: -1 }, /^strategy.bakeSeconds: must be a number of seconds or a duration .*, or 0$/);
    refusedFor({ timeoutSeconds: 0 }, /^strategy.timeoutSeconds: must be a number of seconds or a duration/);
  });
});

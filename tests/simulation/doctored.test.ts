import assert from "node:assert/strict";
import { checkEvents } from "../../provider/core/check/check";
import type { EventBody, Invariant, RolloutWaits, ServeEvent } from "../../provider/core/events";
import type { Gate, Strategy } from "../../provider/core/strategy";
import { surge } from "../core/strategies";
import { intentOf, poolSpec, redeclare } from "./intents";
import { during, ended, settled } from "./service";
import { World } from "./world";

const COMMAND: Gate = { kind: "command", secret: "smoke-test", timeoutSeconds: 60 };
const STRICT = surge(25, { gates: [COMMAND], bakeSeconds: 2 });

type Kind = EventBody["kind"];
type Told<K extends Kind> = Extract<ServeEvent, { kind: K }>;

/** A pool of four whose replicas take a userConfig, on its way from revision a to b. */
function rolling(strategy: Strategy): World {
  const spec = (revision: string) =>
    poolSpec("p", revision, 4, {
      userConfig: {
        hash: `config-of-${revision}`,
        secret: "config",
        path: "/reconfigure",
        method: "POST",
        timeoutSeconds: 10,
        onRefusal: "report",
      },
    });
  const world = new World(intentOf([spec("a")]));
  world.declare((intent) => (intent.rollout!.strategy = strategy));
  world.until(() => settled(world));
  world.declare((intent) => redeclare(intent, [spec("b")]));
  return world;
}

/** Each true log is made once: every test doctors a copy. */
function once(make: () => readonly ServeEvent[]): () => readonly ServeEvent[] {
  let made: readonly ServeEvent[] | null = null;
  return () => (made ??= structuredClone(make()));
}

const promoted = once(() => {
  const world = rolling(STRICT);
  world.until(() => ended(world) === 1);
  assert.equal(world.state!.lastOutcome!.kind, "promoted");
  return world.log;
});

function abandoned(mode: "safe" | "gradual", from: number): readonly ServeEvent[] {
  const world = rolling(surge());
  world.until(() => during(world, ({ plan, cursor }) => plan[cursor]!.percent > from));
  world.command({ kind: "abort", mode: mode === "safe" ? { mode } : { mode, maxSurgePercent: 25 } });
  world.until(() => ended(world) === 1);
  assert.equal(world.state!.lastOutcome!.kind, "rolledBack");
  return world.log;
}

const safely = once(() => abandoned("safe", 75));
const gradually = once(() => abandoned("gradual", 75));
const early = once(() => abandoned("safe", 0));

const starved = once(() => {
  const world = rolling(surge(25, { capacityWaitSeconds: 30 }));
  world.refusals = 1000;
  world.until(() => world.log.some(({ kind }) => kind === "capacityStarved"));
  return world.log;
});

const timedOut = once(() => {
  const world = rolling(surge(25, { timeoutSeconds: 20 }));
  world.behaviours.set("b", { bootMs: 50_000, start: "ready", drainMs: 0 });
  world.until(() => ended(world) === 1);
  assert.match(world.state!.lastOutcome!.reason!, /not over within its timeout of 20 s/);
  return world.log;
});

/** The same log as if these had never been written. */
function without(log: readonly ServeEvent[], forged: (event: ServeEvent) => boolean): ServeEvent[] {
  return log.filter((event) => !forged(event)).map((event, index) => ({ ...event, seq: index + 1 }));
}

/** The same log with every event of a kind told otherwise. */
function retold<K extends Kind>(
  log: readonly ServeEvent[],
  kind: K,
  tell: (event: Told<K>) => Partial<Told<K>>,
): ServeEvent[] {
  return log.map((event) => (event.kind === kind ? { ...event, ...tell(event as Told<K>) } : event));
}

function broken(log: readonly ServeEvent[]): [Invariant, string][] {
  return checkEvents(log).verdicts.flatMap(({ violation }) =>
    violation === null ? [] : [[violation.invariant, violation.sentence] as [Invariant, string]],
  );
}

function refutes(log: readonly ServeEvent[], invariant: Invariant, sentence: RegExp): void {
  const found = broken(log);
  assert.deepEqual(
    found.map(([name]) => name),
    [invariant],
    JSON.stringify(found),
  );
  assert.match(found[0]![1], sentence);
}

/** As an agent wrote it that knew nothing of what came later. */
function ofAnOlderAgent(log: readonly ServeEvent[]): ServeEvent[] {
  const old = without(log, ({ kind }) => kind === "rolloutSettled" || kind === "rolloutRetuned");
  return old.map((event) => {
    const { waits, configs, config, waitsHere, maxSurgePercent, ...rest } = event as unknown as Record<string, unknown>;
    const kept = event.kind === "replicaReconfigured" || event.kind === "configRefused" ? { config } : {};
    void [waits, configs, waitsHere, maxSurgePercent];
    return { ...rest, ...kept } as unknown as ServeEvent;
  });
}

describe("the log of a finished rollout, doctored", () => {
  it("is proved as it was written, whichever way the rollout went", () => {
    for (const log of [promoted(), safely(), gradually(), starved(), timedOut()]) {
      assert.deepEqual(broken(log), []);
    }
  });

  it("without its gate judgements is refuted: a settled state was left with no word that its gates had passed", () => {
    const log = without(promoted(), ({ kind }) => kind === "gateJudged");
    refutes(log, "gates", /left a settled state with no word that its gates \(command\) had passed/);
  });

  it("without the last of its gate judgements is refuted too", () => {
    const log = promoted();
    const last = log.findLast((event) => event.kind === "gateJudged" && event.verdict.kind === "passed");
    refutes(
      without(log, (event) => event === last),
      "gates",
      /no word that its gates/,
    );
  });

  it("with a gate that had no verdict where it passed is refuted", () => {
    const log = retold(promoted(), "gateJudged", () => ({ verdict: { kind: "inconclusive", reason: "nobody asked" } }));
    refutes(log, "gates", /no word that its gates/);
  });

  it("with a longer bake than was kept is refuted, and so is one that never says that it was settled", () => {
    const longer = retold(promoted(), "rolloutStarted", ({ waits }) => ({ waits: { ...waits!, bakeSeconds: 60 } }));
    refutes(longer, "gates", /after 2(\.\d)? s of a bake of 60 s/);
    const unsettled = without(promoted(), ({ kind }) => kind === "rolloutSettled");
    refutes(unsettled, "gates", /that was never told to be established/);
  });

  it("is proved where an operator waved the gates through, and refuted without that word", () => {
    const world = rolling(STRICT);
    world.answerToGate = () => ({ outcome: "unreachable", reason: "nobody answers" });
    while (ended(world) === 0) {
      const waits = during(world, ({ gate }) => gate?.verdict.kind === "inconclusive");
      if (waits) world.command({ kind: "promote", force: false });
      world.tick();
    }
    assert.deepEqual(broken(world.log), []);
    refutes(
      without(world.log, ({ kind }) => kind === "commandObeyed"),
      "gates",
      /after 0(\.\d)? s of a bake of 2 s/,
    );
  });

  it("is judged by the gates and the bake that the program has changed in mid-rollout", () => {
    const world = rolling(surge());
    world.until(() => during(world, ({ cursor }) => cursor > 0));
    world.declare((intent) => (intent.rollout!.strategy = STRICT));
    world.until(() => ended(world) === 1);
    assert.deepEqual(broken(world.log), []);
    refutes(
      without(world.log, ({ kind }) => kind === "gateJudged"),
      "gates",
      /no word that its gates/,
    );
  });

  it("without a replica's word that it took its userConfig is refuted: it became ready before it", () => {
    const log = without(promoted(), ({ kind }) => kind === "replicaReconfigured");
    refutes(log, "configured", /Replica p-1 became ready with the userConfig none; config-of-a was declared/);
    const canary = without(
      promoted(),
      (event) => event.kind === "replicaReconfigured" && event.config === "config-of-b",
    );
    refutes(canary, "configured", /became ready with the userConfig none; config-of-b was declared/);
  });

  it("with the userConfig of the other version is refuted", () => {
    const log = retold(promoted(), "replicaReconfigured", () => ({ config: "config-of-a" }));
    refutes(log, "configured", /became ready with the userConfig config-of-a; config-of-b was declared/);
  });

  it("with a safe way back that is told as gradual is refuted: its traffic returned in larger steps", () => {
    const gradual = { mode: "gradual" as const, maxSurgePercent: 5 };
    const log = retold(safely(), "rollingBack", () => gradual);
    refutes(log, "monotoneTraffic", /fell from .* by more than the 5 % of a gradual way back/);
    const unsaid = retold(safely(), "rollingBack", () => ({ mode: "gradual" as const }));
    refutes(unsaid, "monotoneTraffic", /goes back gradually, and by which surge is not told/);
  });

  it("with a replica of the version that lost, of which no end is told, is refuted", () => {
    const endOf = (log: readonly ServeEvent[], revision: string) => {
      const launch = log.findLast((event) => event.kind === "replicaLaunching" && event.revision === revision);
      const id = (launch as Told<"replicaLaunching">).replica;
      return without(log, (event) => event.kind === "replicaEnded" && event.replica === id);
    };
    refutes(endOf(early(), "b"), "noOrphan", /was rolled back while .* of revision b was still there/);
    const left = broken(endOf(promoted(), "a"));
    assert.ok(
      left.some(([name, said]) => name === "noOrphan" && /was promoted while .* of revision a was still/.test(said)),
    );
  });

  it("that gives up before its time is over is refuted, for lack of time as for lack of capacity", () => {
    const later = (log: readonly ServeEvent[], more: Partial<RolloutWaits>) =>
      retold(log, "rolloutStarted", ({ waits }) => ({ waits: { ...waits!, ...more } }));
    refutes(later(timedOut(), { timeoutSeconds: 100 }), "clocks", /timed out after 20\.\d s.* its timeout of 100 s/);
    refutes(later(starved(), { capacityWaitSeconds: 90 }), "clocks", /starved after .* waits 90 s for capacity/);
    const unheard = without(starved(), ({ kind }) => kind === "capacityWait");
    refutes(unheard, "clocks", /was starved of capacity and had not waited for any/);
  });

  it("of a computer whose clock was put back in a bake is not refuted: how long that was, it does not say", () => {
    const log = promoted();
    const settled = log.findIndex(({ kind }) => kind === "rolloutSettled");
    const putBack = log.map((event, index) => (index > settled ? { ...event, at: event.at - 600_000 } : event));
    assert.deepEqual(broken(putBack), []);
  });

  it("by an older agent is read, and judged as far as it goes", () => {
    for (const log of [promoted(), gradually(), timedOut()]) {
      const old = ofAnOlderAgent(log);
      assert.deepEqual(broken(old), []);
      assert.deepEqual(broken(without(old, ({ kind }) => kind === "gateJudged")), []);
    }
  });
});

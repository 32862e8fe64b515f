import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import type { Run } from "../../provider/core/simulate/run";
import type { Simulation } from "../../provider/core/simulate/simulate";
import { pulumiServe } from "./run-cli";

/** A day of three zones of the public data set skypilot-org/spot-traces (preemption-4-node-aws-08-03-2023). */
const DAY = path.join(__dirname, "spot-traces");

describe("pulumi-serve simulate", () => {
  let folder: string;
  beforeEach(async () => (folder = await fs.mkdtemp(path.join(os.tmpdir(), "simulate-"))));
  afterEach(() => fs.rm(folder, { recursive: true, force: true }));

  const simulated = (...args: string[]) => pulumiServe("simulate", "--traces", DAY, "--replicas", "4", ...args);

  /** A morning of the same zones, where a policy is run many times. */
  async function someHours(): Promise<string[]> {
    for (const name of await fs.readdir(DAY)) {
      const whole = JSON.parse(await fs.readFile(path.join(DAY, name), "utf8")) as { data: number[] };
      await fs.writeFile(path.join(folder, name), JSON.stringify({ ...whole, data: whole.data.slice(0, 48) }));
    }
    return ["simulate", "--traces", folder, "--replicas", "4"];
  }

  async function refusedFor(files: Record<string, unknown>, ...args: string[]): Promise<string> {
    for (const [name, content] of Object.entries(files)) {
      await fs.writeFile(path.join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    const { code, err } = await pulumiServe(
      "simulate",
      "--traces",
      folder,
      ...(args.length > 0 ? args : ["--replicas", "2"]),
    );
    assert.equal(code, 1);
    return err.trim();
  }

  const trace = (data: unknown, gap_seconds: unknown = 300) => ({ metadata: { gap_seconds }, data });

  it("compares the agent's policy with the published ones and with the least possible", async () => {
    const { code, out } = await simulated("--json");
    assert.equal(code, 0);
    const { runs, omniscientDollars, onDemandDollars } = JSON.parse(out) as Simulation;
    assert.deepEqual(
      runs.map(({ policy }) => policy),
      ["own", "SpotHedge +1", "RoundRobin +1", "EvenSpread +1"],
    );
    assert.ok(omniscientDollars < onDemandDollars);
    const [own, spotHedge] = runs;
    assert.ok(own!.dollars < spotHedge!.dollars);
  });

  it("prints a table, and draws what it ran", async () => {
    const plot = path.join(folder, "plot.svg");
    const { out } = await simulated("--policy", "own", "--spot", '{"numOverprovision":1}', "--plot", plot);
    assert.match(out, /^24 hours, 3 zones: us-east-1f, us-east-2a, us-west-2c\.\nPOLICY +AVAILABILITY/);
    assert.match(out, /\nOmniscient +all +[\d.]+ % +1\.000/);
    const svg = await fs.readFile(plot, "utf8");
    assert.match(svg, /^<svg [^]*own: [\d.]+ % of the time[^]*<\/svg>\n$/);
    assert.ok(svg.length < 20_000);
  });

  it("shows the whole frontier: every choice with what it gives and costs, and which ones no other one beats", async () => {
    const hours = await someHours();
    const plot = path.join(folder, "frontier.svg");
    const { code, out } = await pulumiServe(...hours, "--frontier", "--json", "--plot", plot);
    assert.equal(code, 0);
    const { runs } = JSON.parse(out) as { runs: (Run & { onFrontier: boolean })[] };
    const named = (name: string) => runs.find(({ policy }) => policy === name)!;
    for (const name of ["SpotHedge +1", "RoundRobin +0", "EvenSpread +2", 'own {"baseOnDemandReplicas":4}']) {
      assert.ok(named(name), name);
    }
    const choice = named('own {"numOverprovision":0,"cautionSeconds":600,"graceSeconds":"auto"}');
    const { runs: plain } = JSON.parse((await pulumiServe(...hours, "--policy", "own", "--json")).out) as Simulation;
    assert.deepEqual({ ...choice, policy: "own", onFrontier: undefined }, { ...plain[0], onFrontier: undefined });
    for (const { availability, dollars, onFrontier } of runs) {
      const beaten = runs.some((other) => other.availability > availability && other.dollars <= dollars);
      assert.ok(!(onFrontier && beaten));
    }
    assert.equal((await fs.readFile(plot, "utf8")).match(/<circle /g)?.length, runs.length);
    const { out: text } = await pulumiServe(...hours, "--frontier");
    assert.match(text, /\n\* +own .*\n[^]*\nNone of these has 99\.9 %\.\n$/);
  });

  it("halves and doubles each number of the own policy", async () => {
    const spot = ["--spot", '{"numOverprovision":1}'];
    const { out } = await pulumiServe(...(await someHours()), "--sensitivity", ...spot, "--json");
    assert.deepEqual(
      (JSON.parse(out) as Simulation).runs.map(({ policy }) => policy),
      [
        "own",
        'own {"numOverprovision":0}',
        'own {"numOverprovision":2}',
        'own {"graceSeconds":137.25}',
        'own {"graceSeconds":549}',
        'own {"cautionSeconds":300}',
        'own {"cautionSeconds":1200}',
        "own halfLifeMs 3600000",
        "own halfLifeMs 14400000",
        "own firstWaitMs 30000",
        "own firstWaitMs 120000",
        "own longestWaitMs 150000",
        "own longestWaitMs 600000",
      ],
    );
  });

  it("follows a load", async () => {
    const load = path.join(folder, "load");
    await fs.writeFile(
      load,
      JSON.stringify([
        { atSeconds: 0, replicas: 1 },
        { atSeconds: 43_200, replicas: 3 },
      ]),
    );
    const { out } = await pulumiServe("simulate", "--traces", DAY, "--load", load, "--policy", "own", "--json");
    assert.equal((JSON.parse(out) as Simulation).onDemandDollars, 12 * 1 + 12 * 3);
  });

  it("refuses what is no trace, by its file", async () => {
    assert.match(await refusedFor({}), /holds no traces/);
    const bad = [
      [{ "a.json": trace([1, -1]) }, "a.json: data[1] is -1: a count of VMs must be a whole number from 0 on."],
      [{ "a.json": "{" }, "a.json is no JSON."],
      [{ "a.json": trace("many") }, /^a\.json: data is not as a trace has it/],
      [{ "a.json": trace([1]), "b.json": trace([1], 60) }, /^b\.json: metadata\.gap_seconds is 60, but 300 in a\.json/],
      [
        { "a.json": trace([1]), "b.json": trace([1]), "a_2.json": trace([1]) },
        /^a(_2)?\.json: a(_2)?\.json is the same zone/,
      ],
    ] as const;
    for (const [files, sentence] of bad) {
      const said = await refusedFor(files);
      if (typeof sentence === "string") assert.equal(said, sentence);
      else assert.match(said, sentence);
    }
  });

  it("refuses options that make no sense", async () => {
    const files = { "a.json": trace([1]) };
    assert.equal(await refusedFor(files, "--replicas", "2", "--load", "x"), "Give either --replicas or --load.");
    assert.match(await refusedFor(files, "--replicas", "2", "--policy", "best"), /"best" is none of own, spotHedge/);
    assert.match(await refusedFor(files, "--replicas", "2", "--frontier", "--sensitivity"), /^Give one of --policy, /);
    assert.match(
      await refusedFor(files, "--replicas", "2", "--spot", '{"graceSecond":1}'),
      /Did you mean `graceSeconds`/,
    );
    await fs.writeFile(path.join(folder, "load"), '[{"atSeconds":9,"replicas":1},{"atSeconds":1,"replicas":1}]');
    assert.match(await refusedFor(files, "--load", path.join(folder, "load")), /in order of time/);
  });
});

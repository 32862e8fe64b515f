import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CheckReport } from "../../provider/core/check/check";
import type { ServeEvent } from "../../provider/core/events";
import { surgePlan as planSurge, type SurgePlan } from "../../provider/core/plan/surge-plan";
import type { Path } from "../../provider/core/plan/states";
import type { ServiceView } from "../../provider/cli/view/service";
import { openFileStore } from "../../provider/store/file";
import { readCloudFile, replicaLog } from "../../provider/clouds/local";
import { accessLogFile } from "../../provider/host/paths";
import { canaryUp, draining, serving } from "../core/check/log";
import { ownStateHome } from "../controller/stored-service";
import { poolSpec, redeclare } from "../simulation/intents";
import { makeFolder, removeFolders } from "../store/folders";
import { pulumiServe } from "./run-cli";
import { rollingWorld, servingWorld, stored } from "./stored-world";

describe("pulumi-serve", () => {
  let restore: () => void;
  beforeEach(() => (restore = ownStateHome()));
  afterEach(() => {
    restore();
    removeFolders();
  });

  describe("status", () => {
    it("shows both tables in SkyServe's columns", async () => {
      await stored("project/dev/chat", servingWorld());
      const { code, out } = await pulumiServe("status", "chat");
      assert.equal(code, 0);
      assert.match(out, /^Services\nNAME +VERSION +UPTIME +STATUS +REPLICAS +ENDPOINT\nchat +1 +- +READY +2\/2 +127/);
      assert.match(
        out,
        /SERVICE_NAME +ID +VERSION +ENDPOINT +LAUNCHED +RESOURCES +STATUS +REGION\nchat +p-1 +1 +127\.0\.0\.1:1 +\d+ \w+ ago +1x local +READY +a/,
      );
    });

    it("shows the rollout's step, traffic and cap, and both versions", async () => {
      await stored("project/dev/chat", rollingWorld());
      const { out } = await pulumiServe("status");
      assert.match(
        out,
        /chat: Rollout 1 to version 2: rolling out, step 3\/12 \(\w+\), 25 %, traffic 25:75 canary:primary/,
      );
      assert.match(out, / {2}p: 1 canary \+ 3 primary, at most 5/);
      assert.match(out, /chat +p-5 +2 /);
      assert.match(out, /chat +p-4 +1 /);
    });

    it("gives scripts everything as JSON", async () => {
      await stored("project/dev/chat", rollingWorld());
      const { services } = JSON.parse((await pulumiServe("status", "--json")).out) as { services: ServiceView[] };
      const [service] = services;
      assert.equal(service!.identity, "project/dev/chat");
      assert.equal(service!.rollout!.weights.canary, 25);
      assert.equal(service!.replicas.length, service!.totalReplicas);
    });

    it("shows a service whose store cannot be read beside the others", async () => {
      await stored("project/dev/chat", servingWorld());
      const broken = await stored("project/dev/other", servingWorld());
      writeFileSync(join(broken.location, "service.json"), "{");
      const { code, out } = await pulumiServe("status");
      assert.equal(code, 0);
      assert.match(out, /chat +1/);
      assert.match(out, /service\.json is damaged/);
    });

    it("tells services of the same name apart by project and stack, and shows neither while names do", async () => {
      await stored("project/dev/chat", servingWorld());
      const alone = await pulumiServe("status");
      assert.doesNotMatch(alone.out, /STACK|project/);
      await stored("project/prod/chat", servingWorld(), ({ conditions }) =>
        conditions.push({ kind: "noCapacity", pool: "p", message: "no room", since: 0 }),
      );
      const { out } = await pulumiServe("status");
      assert.match(out, /^Services\nNAME +STACK +VERSION.*\nchat +project\/dev +1 .*\nchat +project\/prod +1 /);
      assert.match(out, /\nchat +project\/dev +p-1 [^]*\nchat +project\/prod +p-1 /);
      assert.match(out, /\nproject\/prod\/chat: Pool p: no room/);
      const { services } = JSON.parse((await pulumiServe("status", "--json")).out) as { services: ServiceView[] };
      assert.deepEqual(
        services.map(({ project, stack, name }) => [project, stack, name]),
        [
          ["project", "dev", "chat"],
          ["project", "prod", "chat"],
        ],
      );
    });

    it("names the services when it is not clear which one is meant", async () => {
      await stored("project/dev/chat", servingWorld());
      await stored("project/prod/chat", servingWorld());
      const { code, err } = await pulumiServe("status", "chat");
      assert.equal(code, 1);
      assert.match(err, /More than one service is meant; .*project\/dev\/chat, project\/prod\/chat/);
      assert.equal((await pulumiServe("status", "project/dev/chat")).code, 0);
      assert.match((await pulumiServe("status", "mail")).err, /No service is called "mail"/);
    });
  });

  describe("plan", () => {
    it("prints what planSurge returns", async () => {
      const { out } = await pulumiServe("plan", "--replicas", "7", "--max-surge-percent", "25", "--json");
      assert.deepEqual(JSON.parse(out), planSurge({ pools: [{ name: "pool", from: 7, to: 7 }], maxSurgePercent: 25 }));
      const { cap, states } = JSON.parse(out) as SurgePlan;
      assert.deepEqual(cap, { pool: 9 });
      assert.equal(states.at(-1)!.pools["pool"]!.canary, 7);
    });

    it("plans several pools, each with its own numbers", async () => {
      const { out } = await pulumiServe("plan", "--pool", "chat=4:6", "--pool", "embed=2:2");
      assert.match(out, /STEP +KIND +PERCENT +TRAFFIC +CHAT +EMBED +VMS/);
      assert.match(out, /Most VMs at once: chat 8, embed 3\./);
    });

    it("plans every strategy, and says where it waits and what is left at least", async () => {
      const rolling = await pulumiServe(
        "plan",
        "--replicas",
        "4",
        "--strategy",
        "rolling",
        "--max-unavailable-percent",
        "50",
      );
      assert.match(rolling.out, /2 +up +50 +2:2 +2\+2 +4 +yes/);
      assert.match(rolling.out, /Most VMs at once: pool 4\. Fewest of both versions: pool 2\./);
      const held = await pulumiServe("plan", "--replicas", "4", "--canary-percent", "10");
      assert.match(held.out, /2 +shift +10 +10:90 +1\+4 +5 +yes/);
      assert.match((await pulumiServe("plan", "--replicas", "4", "--strategy", "blueGreen")).out, /cutOver/);
      const told = await pulumiServe("plan", "--replicas", "4", "--strategy", "rolling", "--json");
      assert.deepEqual((JSON.parse(told.out) as Path).floor, { pool: 3 });
    });

    it("plans replicas of different capacity weights, and prints those that are not 1", async () => {
      const { out } = await pulumiServe(
        ...["plan", "--pool", "chat=8:2", "--capacity-weight", "chat=1:4", "--strategy", "rolling"],
      );
      assert.match(out, /2 +up +50 +4:7 +1\+7 +8 +yes/);
      assert.match(out, /Capacity weights: chat 1 -> 4 \(1 and 4 units of capacity a replica\)\./);
      const unknown = await pulumiServe("plan", "--replicas", "4", "--capacity-weight", "chat=1:4");
      assert.match(unknown.err, /there is no --pool "chat"/);
      const none = await pulumiServe("plan", "--pool", "chat=8:2", "--capacity-weight", "chat=1:0");
      assert.match(none.err, /from 0\.01 to 100, with at most two decimals/);
      assert.equal(none.code, 2);
    });

    it("refuses an option of another strategy by name", async () => {
      const { code, err } = await pulumiServe(
        "plan",
        "--replicas",
        "4",
        "--strategy",
        "inPlace",
        "--order",
        "startFirst",
      );
      assert.equal(code, 1);
      assert.match(err, /order: belongs to the kind "rolling", not to "inPlace"/);
    });

    it("refuses nonsense with a sentence, and usage errors with exit code 2", async () => {
      assert.equal((await pulumiServe("plan")).code, 1);
      assert.match((await pulumiServe("plan", "--replicas", "4", "--max-surge-percent", "0")).err, /1 to 100/);
      assert.equal((await pulumiServe("plan", "--replicas", "four")).code, 2);
      assert.equal((await pulumiServe("plan", "--pool", "chat")).code, 2);
      assert.equal((await pulumiServe("dance")).code, 2);
      assert.equal((await pulumiServe("--help")).code, 0);
    });
  });

  describe("check", () => {
    it("proves a good log and exits 0", async () => {
      const store = await stored("project/dev/chat", servingWorld());
      await store.appendEvents(serving().events);
      const { code, out } = await pulumiServe("check", "chat");
      assert.equal(code, 0);
      assert.match(out, /Every invariant holds/);
    });

    it("shows where a broken log broke and exits 1", async () => {
      const store = await stored("project/dev/chat", servingWorld());
      const { events } = canaryUp().tick(draining("p-1"));
      await store.appendEvents(events);
      const { code, out } = await pulumiServe("check", "--json");
      assert.equal(code, 1);
      const { verdicts } = JSON.parse(out) as CheckReport;
      const broken = verdicts.flatMap(({ violation }) => violation ?? []);
      assert.deepEqual(
        broken.map(({ invariant, seq }) => [invariant, seq]),
        [["capacity", events.length]],
      );
    });
  });

  it("prints events as lines and as JSON", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    await store.appendEvents(serving().events);
    const lines = (await pulumiServe("events")).out.trim().split("\n");
    assert.equal(lines.length, serving().events.length);
    assert.match(lines[0]!, /^\d{4}-.* 1 leaseTaken packageVersion=0\.1\.0$/);
    const [first] = (await pulumiServe("events", "--json")).out.split("\n");
    assert.equal((JSON.parse(first!) as ServeEvent).kind, "leaseTaken");
  });

  it("prints a replica's log, and says which replicas there are when it has none", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    const log = replicaLog(store.location, "p-1");
    mkdirSync(join(log, ".."), { recursive: true });
    writeFileSync(`${log}.1`, "loading\n");
    writeFileSync(log, "listening\n");
    assert.equal((await pulumiServe("logs", "p-1")).out, "loading\nlistening\n");
    const { code, err } = await pulumiServe("logs", "p-9");
    assert.equal(code, 1);
    assert.match(err, /"p-9" has no log\. There are: p-1, p-2\./);
  });

  it("prints the access log, and says how to come by one where there is none", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    const missing = await pulumiServe("logs", "--access");
    assert.equal(missing.code, 1);
    assert.match(missing.err, /has no access log: set `balancer: \{ accessLog: true \}`/);
    writeFileSync(`${accessLogFile(store.location)}.1`, '{"path":"/1"}\n');
    writeFileSync(accessLogFile(store.location), '{"path":"/2"}\n');
    assert.equal((await pulumiServe("logs", "--access")).out, '{"path":"/1"}\n{"path":"/2"}\n');
    for (const args of [["logs"], ["logs", "p-1", "--access"]])
      assert.match((await pulumiServe(...args)).err, /Name one replica, or ask for the requests by --access\./);
  });

  it("waits for a rollout no longer than until it holds", async () => {
    await stored("project/dev/chat", rollingWorld(), ({ rollout }) => (rollout!.held = { percent: 25, since: 0 }));
    const { code, out } = await pulumiServe("rollout", "status", "--wait");
    assert.equal(code, 0);
    assert.match(out, /held at 25 %/);
  });

  it("has an exit code for how the rollout is: 0 when it serves, 3 in progress, 1 when it was rejected (argo#352)", async () => {
    await stored("project/dev/serves", servingWorld());
    await stored("project/dev/rolls", rollingWorld());
    const failed = servingWorld();
    failed.behaviours.set("b", { bootMs: 100, start: "exits", drainMs: 0 });
    failed.declare((intent) => redeclare(intent, [poolSpec("p", "b", 2)]));
    failed.until(() => failed.state!.lastOutcome !== null);
    await stored("project/dev/rejected", failed);

    const status = (service: string) => pulumiServe("rollout", "status", "--service", service);
    assert.equal((await status("serves")).code, 0);
    assert.equal((await status("rolls")).code, 3);
    const told = await status("rejected");
    assert.equal(told.code, 1);
    assert.match(told.out, /rolled back and is rejected/);
    assert.ok((await pulumiServe("status", "rejected")).out.includes(told.out.split("\n")[0]!), "one story");
  });

  describe("local", () => {
    it("changes the service's cloud file and shows what it became", async () => {
      await stored("project/dev/chat", servingWorld());
      assert.match((await pulumiServe("local", "take-capacity", "local-a")).out, /local-a +0/);
      assert.match((await pulumiServe("local", "give-capacity", "local-a", "3")).out, /local-a +3/);
      assert.match((await pulumiServe("local", "boot", "2.5")).out, /boots in 2\.5 s/);
      const failing = await pulumiServe("local", "fail-launches", "--zone", "local-b", "--times", "2");
      assert.match(failing.out, /in local-b fail with NoCapacity \(2 more\)/);
      assert.doesNotMatch((await pulumiServe("local", "heal-launches")).out, /fail with/);
    });

    it("plays the target that is named, and gives a notice in the one that the replica is in", async () => {
      const world = servingWorld();
      const cluster = { kind: "local" as const, name: "cluster", cloudFile: join(makeFolder(), "cluster.json") };
      world.declare((intent) => (intent.service.spec.additionalTargets = [cluster]));
      await stored("project/dev/chat", world, (state) => {
        state.pools["p"]!.primary!.launch.resources = { accelerators: [{ L4: 1 }, { A10G: 1 }] };
        Object.assign(state.replicas["p-1"]!, { zone: "cluster/n-a", shape: "A10G:1" });
      });
      assert.match((await pulumiServe("status")).out, /chat +p-1 .* 1x cluster\(A10G=1\) +READY +n-a\n/);
      assert.match((await pulumiServe("local", "take-capacity", "local-a", "--target", "cluster")).out, /local-a +0/);
      assert.match((await pulumiServe("local", "zones")).out, /local-a +unlimited/);
      assert.equal((await pulumiServe("local", "notice", "p-1")).code, 0);
      assert.deepEqual(
        (await readCloudFile(cluster.cloudFile)).notices.map(({ replicaId }) => replicaId),
        ["p-1"],
      );
      const unknown = await pulumiServe("local", "zones", "--target", "mars");
      assert.match(unknown.err, /no additional target "mars"\. There are: cluster/);
    });

    it("refuses an unknown zone, a wrong number and a replica that does not run", async () => {
      await stored("project/dev/chat", servingWorld());
      assert.match((await pulumiServe("local", "take-capacity", "mars")).err, /no zone mars/);
      assert.equal((await pulumiServe("local", "boot", "soon")).code, 2);
      assert.match((await pulumiServe("local", "kill", "p-1")).err, /p-1 does not run/);
    });
  });

  it("says whether an agent acts", async () => {
    const store = await stored("project/dev/chat", servingWorld());
    assert.equal((await pulumiServe("agent", "status")).code, 0);
    const { epoch } = (await store.readLease())!;
    await store.releaseLease(epoch);
    const { code, out } = await pulumiServe("agent", "status");
    assert.equal(code, 1);
    assert.match(out, /No agent acts/);
  });

  describe("purge", () => {
    it("shows what it would remove, and removes nothing without --yes", async () => {
      const store = await stored("project/dev/chat", servingWorld());
      const { out } = await pulumiServe("purge", "--project", "project", "--stack", "dev");
      assert.match(out, /project\/dev\/chat in .* would be removed/);
      assert.equal((await store.readIntent()).value.service.deleting, false);
    });

    it("removes what a create left that was killed before it declared anything, and no other stack", async () => {
      const left = openFileStore("project/dev/left");
      await left.create();
      const other = await stored("project/prod/chat", servingWorld());
      const { code } = await pulumiServe("purge", "--project", "project", "--stack", "dev", "--yes");
      assert.equal(code, 0);
      assert.equal(await left.exists(), false);
      assert.equal(await other.exists(), true);
    });
  });
});

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { BalancerSpec } from "../../../provider/core/spec/pool";
import { ask } from "../support/client";
import { Load } from "../support/load";
import { startListening, type TestReplica } from "../support/replica";
import { balancer, CANARY, primaryOnly, route, routing, version } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

const CLIENTS = 24;
const WINDOW = 600;
/** Long enough for most clients to be at a replica at any moment: least load sees only those. */
const WORK_MS = 25;
/** A replica that joins stays at its smallest share for the whole test, however slow the machine is. */
const FOR_THE_TEST = 3600;
const AT_ONCE = 40;
const POLICIES = ["leastLoad", "roundRobin"] as const;

export function startsSlowly(subject: Subject): void {
  describe("slow start", () => {
    const hits = new Map<TestReplica, number>();
    let load: Load | null;
    beforeEach(async () => {
      hits.clear();
      load = null;
      // The replicas of the test before would make the first ones of this test join a version that serves.
      await subject.serve(primaryOnly([]));
    });
    afterEach(async () => {
      await load?.stop();
    });

    const count = (replica: TestReplica): void => void hits.set(replica, (hits.get(replica) ?? 0) + 1);
    const working = (): Promise<TestReplica> =>
      startListening((_req, res, replica) => {
        count(replica);
        setTimeout(() => res.end(), WORK_MS);
      });
    const counted = (replicas: readonly TestReplica[]): number[] => replicas.map((replica) => hits.get(replica) ?? 0);
    /** What each gets of so many requests from now on. */
    const window = async (replicas: readonly TestReplica[]): Promise<number[]> => {
      const before = counted(replicas);
      const got = (): number[] => counted(replicas).map((now, at) => now - before[at]!);
      await until("the load went on", () => got().reduce((sum, each) => sum + each, 0) >= WINDOW);
      return got();
    };
    const alike = (counts: readonly number[]): boolean => Math.max(...counts) < 1.25 * Math.min(...counts);
    const isAlike = async (replicas: readonly TestReplica[]): Promise<boolean> => alike(await window(replicas));
    const failsNothing = async (): Promise<void> => {
      await load!.stop();
      assert.deepEqual(load!.failures, []);
    };
    const ramped = (policy: BalancerSpec["policy"], replicas: TestReplica[], slowStartSeconds = FOR_THE_TEST) =>
      primaryOnly(replicas, { policy, slowStartSeconds });

    for (const policy of POLICIES) {
      it(`gives a replica that joins two clearly less than its share, and with its time over its share (${policy})`, async () => {
        const [a, b, c] = [await working(), await working(), await working()];
        const port = await subject.serve(ramped(policy, [a, b]));
        load = new Load(port, CLIENTS, () => ({}));
        await until("both serve alike", () => isAlike([a, b]));
        await subject.serve(ramped(policy, [a, b, c]));
        const [ofA, ofB, ofC] = (await window([a, b, c])) as [number, number, number];
        assert.ok(alike([ofA, ofB]), `${ofA} and ${ofB} of those who were there`);
        assert.ok(ofC > 0 && ofC < (ofA + ofB) / 4, `${ofC} beside ${ofA} and ${ofB}`);
        assert.equal(await subject.serve(ramped(policy, [a, b, c], 0.1)), port);
        await until("all three serve alike", () => isAlike([a, b, c]));
        await failsNothing();
      });

      it(`gives it more by and by, with nothing put in force any more (${policy})`, async () => {
        const [a, b] = [await working(), await working()];
        load = new Load(await subject.serve(ramped(policy, [a], 2)), CLIENTS, () => ({}));
        await subject.serve(ramped(policy, [a, b], 2));
        await until("both serve alike", () => isAlike([a, b]));
        await failsNothing();
      });

      it(`refuses nothing that only a replica which has just joined has room for (${policy})`, async () => {
        const held: ServerResponse[] = [];
        const holding = (): Promise<TestReplica> =>
          startListening((_req, res, replica) => {
            held.push(res);
            count(replica);
          });
        const [a, b] = [await holding(), await holding()];
        const change = { policy, slowStartSeconds: FOR_THE_TEST, maxInFlightPerReplica: 3, maxQueue: 0 };
        await subject.serve(primaryOnly([a], change));
        const port = await subject.serve(primaryOnly([a, b], change));
        const answers: Promise<{ status: number }>[] = [];
        for (let sent = 0; sent < 6; sent += 1) {
          answers.push(ask(port));
          await until("a replica has it", () => held.length === answers.length);
        }
        assert.deepEqual(counted([a, b]), [3, 3]);
        for (const res of held) res.end();
        assert.ok((await Promise.all(answers)).every(({ status }) => status === 200));
      });
    }

    it("slows no replica of a version that had none, and leaves the split exact while others ramp", async () => {
      const [a, b, c, d] = [await working(), await working(), await working(), await working()];
      const put = (primary: TestReplica[], canary: TestReplica[]): Promise<number> =>
        subject.serve(
          routing([route({ primary: version(3, primary), canary: version(1, canary, CANARY) })], {
            balancer: balancer({ policy: "roundRobin", slowStartSeconds: FOR_THE_TEST }),
          }),
        );
      const askAll = async (port: number, requests: number): Promise<number[]> => {
        hits.clear();
        for (let asked = 0; asked < requests; asked += AT_ONCE)
          await Promise.all(Array.from({ length: AT_ONCE }, () => ask(port, { agent: subject.agent })));
        return counted([a, b, c, d]);
      };
      await put([a], []);
      assert.deepEqual(await askAll(await put([a], [c, d]), 80), [60, 0, 10, 10]);
      await put([a], [c]);
      const [ofA, ofB, ofC, ofD] = (await askAll(await put([a, b], [c, d]), 200)) as [number, number, number, number];
      assert.deepEqual([ofA + ofB, ofC + ofD], [150, 50]);
      assert.ok(ofB > 0 && ofB < ofA / 4, `${ofB} beside ${ofA} of the primary`);
      assert.ok(ofD > 0 && ofD < ofC / 4, `${ofD} beside ${ofC} of the canary`);
    });

    it("is off unless it is asked for", async () => {
      const [a, b] = [await working(), await working()];
      await subject.serve(primaryOnly([a], { policy: "roundRobin" }));
      const port = await subject.serve(primaryOnly([a, b], { policy: "roundRobin" }));
      for (let asked = 0; asked < 20; asked += 1) await ask(port, { agent: subject.agent });
      assert.deepEqual(counted([a, b]), [10, 10]);
    });
  });
}

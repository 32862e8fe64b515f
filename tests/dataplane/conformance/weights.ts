import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { ask } from "../support/client";
import { startListening, type TestReplica } from "../support/replica";
import { primaryOnly } from "../support/routing";
import type { Subject } from "../support/subject";
import { until } from "../support/until";

export function weighsReplicas(subject: Subject): void {
  describe("replicas that carry different loads", () => {
    let held: ServerResponse[];
    let answers: Promise<unknown>[];
    let strong: TestReplica;
    let weak: TestReplica;
    const hits = new Map<TestReplica, number>();
    const holding = (): Promise<TestReplica> =>
      startListening((_req, res, replica) => {
        held.push(res);
        hits.set(replica, (hits.get(replica) ?? 0) + 1);
      });
    /** So many requests at once, which stay; each comes when the one before it is at its replica. */
    const hold = async (port: number, requests: number): Promise<number[]> => {
      hits.clear();
      for (let sent = 0; sent < requests; sent += 1) {
        answers.push(ask(port));
        await until("a replica has it", () => held.length === answers.length);
      }
      return [strong, weak].map((replica) => hits.get(replica) ?? 0);
    };
    const release = async (): Promise<void> => {
      for (const res of held) res.end();
      await Promise.all(answers);
      [held, answers] = [[], []];
      await subject.settled();
    };
    const near = (shares: readonly number[], wanted: readonly number[]): void => {
      const isNear = shares.every((share, at) => Math.abs(share - wanted[at]!) <= subject.workers);
      assert.ok(isNear, `${shares.join(" : ")} instead of ${wanted.join(" : ")}`);
    };
    beforeEach(async () => {
      [held, answers] = [[], []];
      [strong, weak] = [await holding(), await holding()];
    });
    afterEach(() => release());

    it("have in flight what their weights say", async () => {
      const port = await subject.serve(
        primaryOnly([
          { ...strong, weight: 7.5 },
          { ...weak, weight: 2.5 },
        ]),
      );
      near(await hold(port, 24), [18, 6]);
    });

    it("are weighed anew live, and count as 1 without a weight", async () => {
      await subject.serve(primaryOnly([{ ...strong, weight: 5 }, weak]));
      const port = await subject.serve(primaryOnly([strong, { ...weak, weight: 3 }]));
      near(await hold(port, 24), [6, 18]);
      await release();
      await subject.serve(primaryOnly([strong, weak]));
      near(await hold(port, 12), [6, 6]);
    });

    it("take turns alike with roundRobin, whatever their weights", async () => {
      const port = await subject.serve(primaryOnly([{ ...strong, weight: 9 }, weak], { policy: "roundRobin" }));
      assert.deepEqual(await hold(port, 10), [5, 5]);
    });
  });
}

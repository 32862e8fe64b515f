import assert from "node:assert/strict";
import * as fc from "fast-check";
import { NO_MEMORY, note, type PlacementMemory } from "../../../provider/core/spot/memory";
import { choose } from "../../../provider/core/spot/placement";
import type { Candidate, Slot } from "../../../provider/core/spot/candidate";
import { after, lost, MINUTE, place, refused, slot } from "./world";

describe("where the next replica goes", () => {
  const [a, b, c] = [place("eu-1a"), place("eu-1b"), place("us-2a")];

  function chosen(candidates: Candidate[], slots: Slot[] = [], memory: PlacementMemory = NO_MEMORY, minute = 60) {
    return choose({ candidates, memory, slots, now: minute * MINUTE, cautionSeconds: 600 });
  }

  it("is the zone with the fewest of the pool's replicas, whatever it costs", () => {
    const dear = place("eu-1b", "spot", 9);
    assert.equal(chosen([a, dear], [slot("1", "eu-1a")])?.candidate, dear);
  });

  it("is in another region, where two zones are equally empty", () => {
    assert.equal(chosen([b, c], [slot("1", "eu-1a")])?.candidate, c);
  });

  it("is the cheapest of equal zones, and one without a price comes last", () => {
    const [cheap, unknown] = [place("us-2a", "spot", 0.5), place("as-3a", "spot", null)];
    assert.equal(chosen([unknown, a, cheap])?.candidate, cheap);
  });

  it("says why", () => {
    assert.equal(
      chosen([a, c], [slot("1", "eu-1a")])?.reason,
      "Spot gpu in us-2a: 0 of the pool's replicas are there, 1 in eu-1a.",
    );
    assert.equal(chosen([a])?.reason, "Spot gpu in eu-1a: the only place that can be asked now.");
  });

  it("is elsewhere after a zone refused, and nowhere when all did", () => {
    const memory = after([60, refused(a)]);
    assert.equal(chosen([a, b], [], memory)?.candidate, b);
    assert.equal(chosen([a], [], memory), null);
  });

  it("asks a zone that refuses less and less often, but at least every five minutes", () => {
    const waits = (times: number) => {
      const memory = after(
        ...Array.from({ length: times }, () => [60, refused(a)] as [number, ReturnType<typeof refused>]),
      );
      return Object.values(memory.domains)[0]!.retryAt / MINUTE - 60;
    };
    assert.deepEqual([1, 2, 3, 4, 9].map(waits), [1, 2, 4, 5, 5]);
  });

  it("is tried with one replica where a zone is back, until that one has held", () => {
    const memory = after([60, refused(a)]);
    assert.match(chosen([a], [], memory, 62)!.reason, /on trial/);
    const trial = slot("1", "eu-1a", { launchedAt: 62 * MINUTE });
    assert.equal(chosen([a], [trial], memory, 70), null);
    assert.equal(chosen([a], [trial], memory, 76)?.candidate, a);
  });

  it("is a zone on trial as soon as what is launched there would be ready when the trial ends", () => {
    const usual = { kind: "ready", candidate: a, afterMs: 3 * MINUTE } as const;
    const memory = after([0, usual], [60, refused(a)]);
    const trial = slot("1", "eu-1a", { launchedAt: 62 * MINUTE });
    assert.equal(chosen([a], [trial], memory, 71.9), null);
    assert.equal(chosen([a], [trial], memory, 72)?.candidate, a);
  });

  it("leaves a region's other zones alone when the market's quota is used up, and asks other targets when an account fails", () => {
    const elsewhere = { ...c, target: "other", key: "other" };
    assert.equal(chosen([a, b, c], [], after([60, refused(a, "market")]))?.candidate, c);
    assert.equal(chosen([a, b, c, elsewhere], [], after([60, refused(a, "account")]))?.candidate, elsewhere);
  });

  it("forgets: after hours, a zone is as good as new", () => {
    const memory = after([0, lost(a)], [600, refused(c)]);
    assert.equal(memory.domains[a.key], undefined);
  });

  it("learns nothing of a zone from a replica that ended by itself", () => {
    const ended = { kind: "lost", candidate: a, preempted: false } as const;
    assert.equal(note(NO_MEMORY, ended, 0), NO_MEMORY);
  });

  it("holds: without trouble no two zones ever differ by more than one, and a refused zone is never asked before its time", () => {
    const zones = ["eu-1a", "eu-1b", "us-2a", "us-2b"];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.subarray(zones, { maxLength: 3 }), (launches, refusing) => {
        const memory = after(
          ...refusing.map((zone) => [60, refused(place(zone))] as [number, ReturnType<typeof refused>]),
        );
        const slots: Slot[] = [];
        for (let count = 0; count < launches; count += 1) {
          const choice = chosen(
            zones.map((zone) => place(zone)),
            slots,
            memory,
          );
          slots.push(slot(String(count), choice!.candidate.zone));
        }
        const open = zones.filter((zone) => !refusing.includes(zone));
        const counts = zones.map((zone) => slots.filter((one) => one.zone === zone).length);
        assert.ok(refusing.every((zone) => counts[zones.indexOf(zone)] === 0));
        const used = open.map((zone) => counts[zones.indexOf(zone)]!);
        assert.ok(Math.max(...used) - Math.min(...used) <= 1);
      }),
      { numRuns: 100 },
    );
  });
});

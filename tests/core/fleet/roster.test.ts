import assert from "node:assert/strict";
import fc from "fast-check";
import { Roster } from "../../../provider/core/fleet/roster";
import type { Replica } from "../../../provider/core/state";

const IDS = ["p-1", "p-2", "p-3", "q-1", "q-2"];

type Change = { kind: "keep"; id: string; restarts: number } | { kind: "forget"; id: string } | { kind: "list" };

const id = fc.constantFrom(...IDS);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("keep" as const), id, restarts: fc.nat(9) }),
  fc.record({ kind: fc.constant("forget" as const), id }),
  fc.constant({ kind: "list" as const }),
);

/** Only what the roster looks at. */
function replica(of: string, restarts: number): Replica {
  return { id: of, restarts } as Replica;
}

describe("the roster", () => {
  it("says and keeps, tick after tick, what a plain map of the same changes does", () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 6 }), (ticks) => {
        let state: Record<string, Replica> = {};
        const plain = new Map<string, Replica>();
        for (const changes of ticks) {
          const before = { ...state };
          const roster = new Roster(state);
          const handedOut: { list: readonly Replica[]; was: Replica[] }[] = [];
          for (const each of changes) {
            apply(each, roster, plain);
            const list = roster.all();
            assert.deepEqual(inSomeOrder(list), inSomeOrder([...plain.values()]));
            handedOut.push({ list, was: [...list] });
            for (const one of IDS) assert.deepEqual(roster.get(one), plain.get(one), one);
          }
          const next = roster.byId();
          assert.deepEqual(next, Object.fromEntries(plain));
          assert.deepEqual(Object.values(next), roster.all(), "the state has them in another order");
          assert.deepEqual(state, before, "what was given was changed");
          for (const { list, was } of handedOut) assert.deepEqual(list, was, "a list that was handed out was changed");
          state = next;
        }
      }),
    );
  });

  it("keeps its replicas in the order in which they came, whoever changes meanwhile", () => {
    const first = new Roster({});
    for (const one of ["p-1", "p-2", "p-10"]) first.keep(replica(one, 0));
    const second = new Roster(first.byId());
    second.keep(replica("p-2", 1));
    second.forget("p-1");
    second.keep(replica("p-11", 0));
    assert.deepEqual(
      second.all().map((each) => each.id),
      ["p-2", "p-10", "p-11"],
    );
    assert.deepEqual(Object.keys(second.byId()), ["p-2", "p-10", "p-11"]);
  });

  it("gives back the very object that it was given when nothing changed", () => {
    const given = { "p-1": replica("p-1", 0) };
    const roster = new Roster(given);
    assert.equal(roster.all().length, 1);
    assert.equal(roster.byId(), given);
  });
});

function apply(each: Change, roster: Roster, plain: Map<string, Replica>): void {
  switch (each.kind) {
    case "keep":
      roster.keep(replica(each.id, each.restarts));
      plain.set(each.id, replica(each.id, each.restarts));
      break;
    case "forget":
      roster.forget(each.id);
      plain.delete(each.id);
      break;
    case "list":
      break;
  }
}

function inSomeOrder(replicas: readonly Replica[]): Replica[] {
  return [...replicas].sort((a, b) => (a.id < b.id ? -1 : 1));
}

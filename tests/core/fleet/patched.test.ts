import assert from "node:assert/strict";
import type { Replica } from "../../../provider/core/state";
import { patched } from "../../../provider/core/fleet/patched";

/** Each member has a value of its own that no default has. */
const WHOLE: Required<Replica> = {
  id: "p-1",
  pool: "p",
  revision: "a",
  status: "notReady",
  launchedAt: 1,
  startedAt: 2,
  restarts: 3,
  configured: "c",
  refusedConfig: { hash: "h", reason: "no" },
  passingSince: 4,
  readyAt: 5,
  missingSince: 6,
  notReadySince: 7,
  address: { host: "127.0.0.1", port: 8 },
  zone: "z",
  shape: "A100:1",
  market: "spot",
  noticedUntil: 9,
  atRiskSince: 10,
  drainGeneration: 11,
  drainSince: 12,
  drainInForce: true,
  drainDeadline: 13,
  drainSeconds: 14,
  afterDrain: { kind: "restart", revision: "b" },
  reason: "r",
};

describe("a replica that is changed", () => {
  it("keeps every member that it was not told to change", () => {
    const before = structuredClone(WHOLE);
    assert.deepEqual(patched(before, { status: "ready" }), { ...WHOLE, status: "ready" });
    assert.deepEqual(before, WHOLE, "what was given was changed");
  });

  it("says nothing of the machine, the risk and the drain of one of which nothing was said", () => {
    const { shape: _shape, atRiskSince: _risk, drainSeconds: _drain, ...plain } = WHOLE;
    assert.deepEqual(patched(plain, {}), plain);
  });

  it("reads one that was written before notices and drains in force were noted", () => {
    const { noticedUntil: _noticed, drainInForce: _inForce, ...old } = WHOLE;
    assert.deepEqual(patched(old as Replica, {}), { ...WHOLE, noticedUntil: null, drainInForce: false });
  });
});

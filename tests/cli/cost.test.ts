import assert from "node:assert/strict";
import { costText, costView, type CostView } from "../../provider/cli/view/cost";
import type { Ledger } from "../../provider/core/cost/ledger";
import { NO_DOLLARS } from "../../provider/core/cost/rate";
import { ownStateHome } from "../controller/stored-service";
import { removeFolders } from "../store/folders";
import { pulumiServe } from "./run-cli";
import { servingWorld, stored } from "./stored-world";

const HOUR_MS = 3_600_000;

/** Two hours old and last written an hour ago: one spot VM, one that stands in for another, and a pool that is gone. */
function ledger(now = Date.now()): Ledger {
  const at = now - HOUR_MS;
  const rate = { dollars: { spot: 0.5, onDemand: 0, fallback: 1, allOnDemand: 2 }, unpriced: 0 };
  const gone = { dollars: NO_DOLLARS, unpriced: 0 };
  return {
    since: at - HOUR_MS,
    at,
    prices: [],
    pools: {
      p: { rate, total: { spot: 1, onDemand: 0, fallback: 0.5, allOnDemand: 2 } },
      old: { rate: gone, total: { spot: 0, onDemand: 10, fallback: 0, allOnDemand: 10 } },
    },
  };
}

describe("pulumi-serve cost", () => {
  let restore: () => void;
  beforeEach(() => (restore = ownStateHome()));
  afterEach(() => {
    restore();
    removeFolders();
  });

  it("shows what each pool costs now and has cost, up to this moment, and what that saved", async () => {
    const now = Date.now();
    assert.deepEqual(
      costText(costView(ledger(now), now))
        .split("\n")
        .slice(1),
      [
        "POOL   NOW $/H  SPOT $  ON_DEMAND $  FALLBACK $  SUM $  ALL_ON_DEMAND $  SAVED",
        "p      1.50     1.50    0.00         1.50        3.00   4.00             25.0 %",
        "old    0.00     0.00    10.00        0.00        10.00  10.00            0.0 %",
        "total  1.50     1.50    10.00        1.50        13.00  14.00            7.1 %",
      ],
    );
    await stored("project/dev/chat", servingWorld(), (state) => (state.ledger = ledger(now)));
    const { code, out } = await pulumiServe("cost", "chat");
    assert.equal(code, 0);
    assert.match(
      out,
      /^project\/dev\/chat\nSince \d{4}-.* \(2h.*\)\nPOOL .*\np +1\.50 .*\nold +0\.00 .*\ntotal +1\.50 .*\n$/,
    );
    assert.match((await pulumiServe("status")).out, /chat: Costs \$1\.50\/h; `pulumi-serve cost` has the bill/);
  });

  it("gives scripts the same as JSON", async () => {
    await stored("project/dev/chat", servingWorld(), (state) => (state.ledger = ledger()));
    const { cost } = JSON.parse((await pulumiServe("cost", "--json")).out) as { cost: CostView };
    assert.equal(cost.pools["p"]!.perHour.paid, 1.5);
    assert.equal(cost.total.perHour.savedPercent, 25);
    assert.ok(cost.total.sinceStart.paid >= 13 && cost.total.sinceStart.paid < 14);
  });

  it("says of VMs without a price that they are in no sum", async () => {
    await stored("project/dev/chat", servingWorld(), (state) => {
      state.ledger = ledger();
      state.ledger.pools["p"]!.rate.unpriced = 3;
    });
    assert.match((await pulumiServe("cost")).out, /3 VMs have no known price/);
  });

  it("says so when the target has told no prices", async () => {
    await stored("project/dev/chat", servingWorld());
    assert.match((await pulumiServe("cost")).out, /its target has told no prices yet/);
    assert.deepEqual(JSON.parse((await pulumiServe("cost", "--json")).out), {
      service: "project/dev/chat",
      cost: null,
    });
    assert.doesNotMatch((await pulumiServe("status")).out, /Costs/);
  });
});

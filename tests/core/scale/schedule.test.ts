import assert from "node:assert/strict";
import { parseCron } from "../../../provider/core/scale/cron";
import { scheduledNow } from "../../../provider/core/scale/schedule";
import { isTimeZone } from "../../../provider/core/scale/time-zone";

const office = { cron: "0 8 * * MON-FRI", timeZone: "Europe/Berlin", durationSeconds: 10 * 3600, min: 4 };

function keeps(at: string, ...schedules: (typeof office)[]): number | null {
  return scheduledNow(schedules.length === 0 ? [office] : schedules, Date.parse(at))?.min ?? null;
}

describe("a schedule", () => {
  it("begins by the clocks of its time zone, in summer and in winter, and lasts its time", () => {
    assert.equal(keeps("2026-01-12T06:59:59Z"), null);
    assert.equal(keeps("2026-01-12T07:00:00Z"), 4);
    assert.equal(keeps("2026-01-12T16:59:59Z"), 4);
    assert.equal(keeps("2026-01-12T17:00:00Z"), null);
    assert.equal(keeps("2026-07-13T05:59:00Z"), null);
    assert.equal(keeps("2026-07-13T06:00:00Z"), 4);
  });

  it("holds on its weekdays only, and past midnight of the last one", () => {
    assert.equal(keeps("2026-01-10T12:00:00Z"), null, "a Saturday");
    const night = { ...office, cron: "0 22 * * FRI" };
    assert.equal(keeps("2026-01-10T06:00:00Z", night), 4);
    assert.equal(keeps("2026-01-10T07:00:00Z", night), null);
  });

  it("is found across the hour that the clocks leave out or have twice", () => {
    const early = { ...office, cron: "30 1 * * *", durationSeconds: 4 * 3600 };
    assert.equal(keeps("2026-03-29T04:29:00Z", early), 4);
    assert.equal(keeps("2026-03-29T04:31:00Z", early), null);
    assert.equal(keeps("2026-10-25T03:29:00Z", early), 4);
    assert.equal(keeps("2026-10-25T03:31:00Z", early), null);
    assert.equal(keeps("2026-06-01T21:05:00Z", { ...office, cron: "30 6 * * *", timeZone: "Australia/Lord_Howe" }), 4);
  });

  it("gives way to the one in force that keeps the most", () => {
    const noon = { ...office, cron: "0 12 * * *", durationSeconds: 3600, min: 9 };
    assert.equal(keeps("2026-01-12T11:30:00Z", office, noon), 9);
    assert.equal(keeps("2026-01-12T12:30:00Z", office, noon), 4);
  });

  it("knows lists, ranges, steps and names, and both kinds of day as cron does", () => {
    const cron = parseCron("*/20 9-17/4,22 1,15 jan-mar Sun")!;
    assert.deepEqual([...cron.minute], [0, 20, 40]);
    assert.deepEqual([...cron.hour], [9, 13, 17, 22]);
    assert.deepEqual([...cron.month], [1, 2, 3]);
    assert.deepEqual([...cron.weekday], [0]);
    assert.equal(cron.eitherDay, true);
    assert.deepEqual([...parseCron("0 0 * * 5-7")!.weekday], [5, 6, 0]);
    for (const wrong of [
      "",
      "* * * *",
      "60 * * * *",
      "* 24 * * *",
      "* * 0 * *",
      "* * * foo *",
      "5-1 * * * *",
      "*/0 * * * *",
    ])
      assert.equal(parseCron(wrong), null, wrong);
  });

  it("knows a time zone's name from another word", () => {
    for (const name of ["UTC", "Europe/Berlin", "America/Sao_Paulo"]) assert.ok(isTimeZone(name));
    for (const name of ["", "Berlin", "Mars/Base"]) assert.ok(!isTimeZone(name), name);
  });
});

import assert from "node:assert/strict";
import { checkEvents } from "../../../provider/core/check/check";
import type { Invariant } from "../../../provider/core/events";
import type { LogBook } from "./log";

export function assertHolds(log: LogBook): void {
  const report = checkEvents(log.events);
  assert.deepEqual(
    report.verdicts.filter(({ violation }) => violation !== null),
    [],
  );
  assert.equal(report.holds, true);
}

/** Exactly this invariant is refuted, at this event (the last one, if not told), with a sentence like this. */
export function assertRefutes(invariant: Invariant, log: LogBook, seq = log.events.length, sentence = /./): void {
  const report = checkEvents(log.events);
  const broken = report.verdicts.flatMap(({ violation }) => violation ?? []);
  assert.deepEqual(
    broken.map((each) => [each.invariant, each.seq]),
    [[invariant, seq]],
    JSON.stringify(broken),
  );
  assert.match(broken[0]!.sentence, sentence);
  assert.equal(report.holds, false);
}

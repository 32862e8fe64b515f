"use strict";

const fs = require("node:fs");
const path = require("node:path");
const Mocha = require("mocha");

/** More of an error is above, in the report of its suite. */
const TOLD_LINES = 25;

/** Mocha's usual report for people, and the counts and failures in a file for the runner that started it. */
module.exports = class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const tally = { passed: passes, failed: failures, skipped: pending, failures: this.failures.map(told) };
      fs.writeFileSync(process.env.TALLY_FILE, JSON.stringify(tally));
    });
  }
};

function told(test) {
  const { file, err } = test;
  const where = file === undefined ? "" : `${path.relative(process.cwd(), file)}: `;
  const lines = String(err?.stack ?? err?.message ?? err).split("\n");
  return [`${where}${test.fullTitle()}`, ...lines.slice(0, TOLD_LINES)].join("\n");
}

"use strict";

const fs = require("node:fs");
const Mocha = require("mocha");

/** Mocha's usual report for people, and the counts in a file for the runner that started it. */
module.exports = class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      fs.writeFileSync(process.env.TALLY_FILE, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};

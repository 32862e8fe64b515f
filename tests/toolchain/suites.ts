import * as fs from "node:fs";
import * as path from "node:path";

export interface Suites {
  /** Folders of tests/, begun while the Pulumi CLI is being brought. */
  early: string[];
  /** Files that need the CLI, the longest first. They wait more than they compute, so more of them run at a time than there are cores. */
  late: string[];
  /** Files that measure moments, or that two processes make together: with nothing beside them. */
  alone: string[];
}

/** From what everything else stands on upwards. A folder that is not named anywhere here comes after them. */
const order = [
  "core",
  "simulation",
  "sdk",
  "handlers",
  "store",
  "host",
  "prober",
  "clouds",
  "dataplane",
  "controller",
  "agent",
  "cli",
];
const withCli = ["e2e", "examples", "package", "demo"];
/** What takes longest, in this order: what comes last should be short, or one lane waits for the other. */
const longest = [
  "e2e/rollbacks.test.ts",
  "e2e/strategies.test.ts",
  "examples/ci.test.ts",
  "e2e/lifecycle.test.ts",
  "e2e/interruptions.test.ts",
  "package/package.test.ts",
  "e2e/failing-template.test.ts",
];
const measuring = ["e2e/kills.test.ts"];
/**
 * Moments are what we promise of an idle computer. HAProxy counts and reports a moment after its client has the answer; on a
 * loaded machine that moment is long.
 */
const undisturbed = ["moments", "haproxy"];
/** `npm run soak` and `npm run bench` have these. */
const elsewhere = ["soak", "bench"];

export function suitesIn(tests: string): Suites {
  const present = fs
    .readdirSync(tests, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !elsewhere.includes(entry.name))
    .map((entry) => entry.name)
    .filter((name) => testsIn(tests, name).length > 0)
    .sort();
  const others = present.filter((name) => ![...order, ...withCli, ...undisturbed].includes(name));
  const files = withCli.filter((name) => present.includes(name)).flatMap((name) => testsIn(tests, name));
  return {
    early: [...order.filter((name) => present.includes(name)), ...others],
    late: [
      ...longest.filter((file) => files.includes(file)),
      ...files.filter((file) => !longest.includes(file)),
    ].filter((file) => !measuring.includes(file)),
    alone: [
      ...undisturbed.filter((name) => present.includes(name)).flatMap((name) => testsIn(tests, name)),
      ...files.filter((file) => measuring.includes(file)),
    ],
  };
}

/** Whether these arguments for mocha name a suite that needs the CLI. */
export function namesCliSuite(args: readonly string[]): boolean {
  return args.some((arg) => ["soak", ...withCli].some((suite) => arg.split(/[\\/]/).includes(suite)));
}

/** Paths from `tests`. */
function testsIn(tests: string, folder: string): string[] {
  const names = fs.readdirSync(path.join(tests, folder), { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => path.posix.join(folder, name));
}

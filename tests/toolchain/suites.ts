import * as fs from "node:fs";
import * as path from "node:path";

export interface Suite {
  /** A folder of tests/. */
  name: string;
  /** Runs only once the Pulumi CLI is there; the others run while it is being brought. */
  needsCli: boolean;
}

/** From what everything else stands on to the whole product. A folder that is not named here runs before the first that needs the CLI. */
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
const withCli = ["examples", "package", "demo", "e2e"];
/** `npm run soak` and `npm run bench` have these. */
const elsewhere = ["soak", "bench"];

export function suitesIn(tests: string): Suite[] {
  const present = fs
    .readdirSync(tests, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !elsewhere.includes(entry.name))
    .map((entry) => entry.name)
    .filter((name) => hasTests(path.join(tests, name)))
    .sort();
  const early = [
    ...order.filter((name) => present.includes(name)),
    ...present.filter((name) => ![...order, ...withCli].includes(name)),
  ];
  const late = withCli.filter((name) => present.includes(name));
  return [...early.map((name) => ({ name, needsCli: false })), ...late.map((name) => ({ name, needsCli: true }))];
}

/** Whether these arguments for mocha name a suite that needs the CLI. */
export function namesCliSuite(args: readonly string[]): boolean {
  return args.some((arg) => ["soak", ...withCli].some((suite) => arg.split(/[\\/]/).includes(suite)));
}

function hasTests(folder: string): boolean {
  return fs.readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith(".test.ts"));
}

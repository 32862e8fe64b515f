// What `npm run demo`, `npm test` and their like begin with. It runs before anything is installed, so it needs Node alone.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { build, isBuilt } from "./build.mjs";

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");

const programs = {
  demo: "tests/demo/main.ts",
  test: "tests/toolchain/test.ts",
  soak: "tests/toolchain/soak.ts",
  bench: "tests/bench/main.ts",
  simulate: "tests/simulation/main.ts",
};

const [task, ...args] = process.argv.slice(2);
const program = programs[task];
if (program === undefined)
  fail(`bootstrap.mjs knows ${Object.keys(programs).join(", ")}; it was called with "${task ?? ""}".`);
if (Number(process.versions.node.split(".")[0]) < 20) fail(`This needs Node 20 or newer; this is ${process.version}.`);

process.chdir(root);
if (!isInstalled()) {
  timed("npm ci", () => must("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]));
}
if (!isBuilt(root)) timed("build", () => build(root));

const child = spawn(process.execPath, ["--require", "./tests/toolchain/run-typescript.js", program, ...args], {
  stdio: "inherit",
});
// The program cleans up after itself when it is interrupted, and this must not end before it. A terminal sends SIGINT to
// both; SIGTERM comes to the one that npm knows.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.once("exit", (code) => process.exit(code ?? 1));

/**
 * Whether node_modules holds what package-lock.json names. Compared by content, as `npm ci` begins by removing a folder
 * that something may be running from.
 */
function isInstalled() {
  const wanted = readLock("package-lock.json");
  const present = readLock("node_modules/.package-lock.json");
  if (wanted === null || present === null) return false;
  return Object.entries(wanted.packages).every(([name, entry]) => {
    // Other platforms' binaries and the project itself are never in the installed lock; a link has no version there.
    if (!name.startsWith("node_modules/") || entry.optional || entry.peer) return true;
    return present.packages[name]?.version === entry.version && fs.existsSync(name);
  });
}

function readLock(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

function timed(what, work) {
  process.stderr.write(`${what} ...\n`);
  const started = Date.now();
  work();
  process.stderr.write(`${what}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function must(command, commandArgs) {
  const { status, error } = spawnSync(command, commandArgs, {
    stdio: ["ignore", process.stderr.fd, process.stderr.fd],
  });
  if (status !== 0) fail(`${command} ${commandArgs.join(" ")} failed${error ? `: ${error.message}` : ""}; see above.`);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Program } from "../../provider/agent/program";

const ROOT = join(__dirname, "..", "..");
const BUILD =
  'import { build, isBuilt } from "./tests/toolchain/build.mjs"; if (!isBuilt(process.cwd())) build(process.cwd());';

let built = false;

/**
 * The agent as users have it. Compiled, because from sources a start takes seconds, and what is judged here is how fast
 * one process replaces another.
 */
export function compiledAgent(serviceFolder: string): Program {
  return { command: process.execPath, args: [compiled("provider/agent/main.js"), serviceFolder] };
}

/** The command line as users have it. */
export function compiledCli(...args: string[]): Program {
  return { command: process.execPath, args: [compiled("provider/cli/main.js"), ...args] };
}

/** A file of dist/, which is built first if it is out of date. */
export function compiled(file: string): string {
  if (!built) execFileSync(process.execPath, ["--input-type=module", "-e", BUILD], { cwd: ROOT, stdio: "inherit" });
  built = true;
  return join(ROOT, "dist", file);
}

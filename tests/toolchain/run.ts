import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds; the program is killed then. */
  limit: number;
  /** Where output goes beside being returned, for programs that run for minutes. */
  logFile?: string;
  /** Yields the processor to everything else that runs. */
  background?: boolean;
}

/** Runs a program to its end and returns what it printed; throws with its last lines when it does not end well. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ["ignore", "pipe", "pipe"] });
  if (options.background && child.pid !== undefined)
    os.setPriority(child.pid, os.constants.priority.PRIORITY_BELOW_NORMAL);
  let output = "";
  const log = options.logFile === undefined ? null : fs.openSync(options.logFile, "a");
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    if (log !== null) fs.writeSync(log, chunk);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, options.limit);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (late) throw new Error(`${command} was not done after ${options.limit / 1000} s`);
    if (code !== 0) throw new Error(lastLines(output, 12) || `${command} ended with code ${code}`);
    return output;
  } finally {
    clearTimeout(timer);
    if (log !== null) fs.closeSync(log);
  }
}

function lastLines(text: string, count: number): string {
  return text.trim().split("\n").slice(-count).join("\n");
}

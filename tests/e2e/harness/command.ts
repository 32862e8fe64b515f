import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface CommandOptions {
  cwd: string;
  env: Record<string, string>;
  /** Gets each line of both outputs as it comes. */
  onLine?: (line: string) => void;
  /** The command is ended by force then, and the result says so. Default 180. */
  seconds?: number;
}

export interface CommandResult {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Both outputs as they came, for messages. */
  output: string;
}

/** A command that runs: wait for `done`, or `kill` it. Not ending well is a result here, not an error. */
export interface RunningCommand {
  pid: number;
  done: Promise<CommandResult>;
  kill(signal: NodeJS.Signals): void;
}

const OUTPUT_GRACE_MS = 500;

const running = new Set<ChildProcess>();

export function startCommand(command: string, args: readonly string[], options: CommandOptions): RunningCommand {
  const { cwd, env, onLine, seconds = 180 } = options;
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const result = { stdout: "", stderr: "", output: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      result[name] += text;
      result.output += text;
    });
    if (onLine !== undefined) createInterface({ input: child[name] }).on("line", onLine);
  }
  const timer = setTimeout(() => {
    result.output += `\n(ended by force: it was not done after ${seconds} s)`;
    child.kill("SIGKILL");
  }, seconds * 1000);
  const done = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    // "close" comes when all output was read, but after a kill a survivor may hold the pipe open for as long as it lives.
    child.once("close", (code) => resolve({ code, ...result }));
    child.once("exit", (code) => setTimeout(() => resolve({ code, ...result }), OUTPUT_GRACE_MS));
  }).finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  return { pid: child.pid ?? 0, done, kill: (signal) => void child.kill(signal) };
}

/** For the very end of a run: whatever is still running then has nobody waiting for it. */
export function endRunningCommands(): void {
  for (const child of running) child.kill("SIGKILL");
}

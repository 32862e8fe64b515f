import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** One process of a bench; `lines` gets what it says. */
export interface BenchProcess {
  pid: number;
  line(): Promise<string>;
  stop(): Promise<void>;
}

/** Runs a TypeScript program of this folder. */
export function startProgram(file: string, args: string[] = []): BenchProcess {
  return start(process.execPath, ["-r", require.resolve("ts-node/register/transpile-only"), file, ...args]);
}

export function start(command: string, args: string[]): BenchProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  let wanted: (() => void) | null = null;
  let rest = "";
  child.stdout!.on("data", (text: Buffer) => {
    const parts = (rest + text.toString()).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    wanted?.();
  });
  child.once("exit", () => wanted?.());
  return {
    pid: child.pid!,
    line: async () => {
      while (lines.length === 0) {
        if (ended(child)) throw new Error(`${command} ${args.join(" ")} ended without a word`);
        await new Promise<void>((resolve) => (wanted = resolve));
      }
      return lines.shift()!;
    },
    stop: () =>
      new Promise((resolve) => {
        if (ended(child)) return resolve();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Processor time that a process has used so far, in microseconds; null where there is no /proc. */
export function processorTime(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    // Fields 14 and 15 of proc(5), in ticks of 10 ms.
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return null;
  }
}

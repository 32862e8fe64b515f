import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";

/** One process of a bench; `lines` gets what it says. */
export interface BenchProcess {
  pid: number;
  line(): Promise<string>;
  /** Ends it at once. */
  stop(): Promise<void>;
  /** Closes its stdin, upon which it ends what it has started itself. */
  end(): Promise<void>;
}

/** A program of this folder as plain JavaScript, in a folder of its own that goes with `remove`. */
export function compile(file: string): { compiled: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const compiled = join(folder, `${basename(file, ".ts")}.js`);
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
  writeFileSync(compiled, transpileModule(readFileSync(file, "utf8"), { compilerOptions }).outputText);
  return { compiled, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Runs a program of this folder compiled: ts-node takes seconds to load and makes every event emitter slower. What it
 * requires is found from here, as the compiled file lies elsewhere.
 */
export function startProgram(file: string, args: string[] = []): BenchProcess {
  const { compiled, remove } = compile(file);
  const started = start(process.execPath, [compiled, ...args], { NODE_PATH: join(__dirname, "../../node_modules") });
  return {
    ...started,
    stop: async () => {
      await started.stop();
      remove();
    },
  };
}

export function start(command: string, args: string[], env: Record<string, string> = {}): BenchProcess {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  const lines: string[] = [];
  let wanted: (() => void) | null = null;
  let rest = "";
  child.stdout.on("data", (text: Buffer) => {
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
    stop: () => gone(child, () => child.kill("SIGKILL")),
    end: () => gone(child, () => child.stdin.end()),
  };
}

function gone(child: ChildProcess, ask: () => void): Promise<void> {
  return new Promise((resolve) => {
    if (ended(child)) return resolve();
    child.once("exit", () => resolve());
    ask();
  });
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** proc(5) counts in ticks of 10 ms. */
export const MICROS_A_TICK = 10_000;

/** Processor time that a process has used so far, in microseconds; null where there is no /proc. */
export function processorTime(pid: number): number | null {
  // Fields 14 and 15 of proc(5).
  return ticksOf(pid, [11, 12]);
}

/** The same of all of ours that have ended; 0 where there is no /proc. */
export function processorTimeOfEnded(): number {
  // Fields 16 and 17.
  return ticksOf(process.pid, [13, 14]) ?? 0;
}

function ticksOf(pid: number, [user, system]: readonly [number, number]): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[user]) + Number(fields[system])) * MICROS_A_TICK;
  } catch {
    return null;
  }
}

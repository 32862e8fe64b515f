import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** One text for each failure: what failed, and how. */
  failures: readonly string[];
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

export function plus(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

export function failure(text: string): Tally {
  return { ...nothing, failed: 1, failures: [text] };
}

/**
 * Where mocha's report goes: to the terminal as it comes, to the terminal in one piece at the end (for several at a
 * time), or nowhere.
 */
export type Report = "inherit" | "hold" | "ignore";

/** Runs mocha in a process of its own, so that one suite's crash or leaked handle is one failure and no more. */
export async function mocha(args: readonly string[], report: Report = "inherit"): Promise<Tally> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-serve-tally-"));
  const file = path.join(folder, "tally.json");
  const program = path.join(path.dirname(require.resolve("mocha/package.json")), "bin", "mocha.js");
  const reporter = path.join(__dirname, "tally-reporter.js");
  const held = path.join(folder, "report.txt");
  const sink = report === "hold" ? fs.openSync(held, "w") : report;
  try {
    const child = spawn(process.execPath, [program, "--reporter", reporter, ...args], {
      stdio: ["ignore", sink, sink],
      env: { ...process.env, TALLY_FILE: file },
    });
    // A terminal sends SIGINT to both: the child ends what its tests started, and that must be waited for.
    const wait = (): void => undefined;
    const stop = (): boolean => child.kill("SIGTERM");
    process.on("SIGINT", wait).once("SIGTERM", stop);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    }).finally(() => process.off("SIGINT", wait).off("SIGTERM", stop));
    const tally = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as Tally) : null;
    // A process that died before, amid or after its tests has failed, even if every test that ran passed.
    if (tally === null) return failure(`${args.join(" ")}: its process ended before its tests had (exit ${code})`);
    if (code === 0 || tally.failed > 0) return tally;
    return plus(tally, failure(`${args.join(" ")}: its process failed after its tests had passed (exit ${code})`));
  } finally {
    if (typeof sink === "number") {
      fs.closeSync(sink);
      process.stdout.write(fs.readFileSync(held));
    }
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What failed, in one piece: of a long report often only the end is kept, or read. */
export function closingWords(tally: Tally): string {
  return tally.failures.map((text) => `\n== failed: ${text.trimEnd().replaceAll("\n", "\n   ")}\n`).join("");
}

export function closingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;
}

import { copyFileSync, fstatSync, ftruncateSync, writeSync } from "node:fs";
import type { Reporter } from "../ports/reporter";

const LARGEST_BYTES = 1_000_000;

/**
 * The agent's log: its own stderr, which its starter has opened on `<serviceFolder>/agent.log`. At most two files of 1 MB
 * each, and a full disk costs lines, never the agent.
 */
export function agentReporter(logFile: string): Reporter {
  const write = (level: string, line: string) => {
    try {
      rotate(logFile);
      writeSync(process.stderr.fd, `${new Date().toISOString()} ${level} ${line}\n`);
    } catch {
      // Nowhere left to say it.
    }
  };
  return { info: (line) => write("info", line), warn: (line) => write("warn", line) };
}

/** Copied and cut, not renamed: the data plane's and our own descriptors go on appending to the same file. */
function rotate(logFile: string): void {
  const log = fstatSync(process.stderr.fd);
  if (!log.isFile() || log.size < LARGEST_BYTES) return;
  copyFileSync(logFile, `${logFile}.1`);
  ftruncateSync(process.stderr.fd);
}

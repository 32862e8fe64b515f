import { randomUUID, createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stateHome } from "./paths";

/** By state home. Every access to a store asks, and a process does not move to another computer. */
const known = new Map<string, string>();

/**
 * Stable name of this computer: a hash of /etc/machine-id, or else of a file made once under the state home. Processes
 * and folders of another computer must never be mistaken for gone.
 */
export function computerId(): string {
  const home = stateHome();
  const id =
    known.get(home) ??
    createHash("sha256")
      .update(`pulumi-serve:${machineId(home)}`)
      .digest("hex")
      .slice(0, 32);
  known.set(home, id);
  return id;
}

function machineId(home: string): string {
  return readTrimmed("/etc/machine-id") ?? idFileUnder(home);
}

/** Linked into place, so that of two processes that come first together both read the same id. */
function idFileUnder(home: string): string {
  const file = join(home, "computer-id");
  const known = readTrimmed(file);
  if (known !== null) return known;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.${randomUUID()}`;
  writeFileSync(temporary, `${randomUUID()}\n`, { mode: 0o600 });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readTrimmed(file) ?? idFileUnder(home);
}

function readTrimmed(file: string): string | null {
  try {
    return readFileSync(file, "utf8").trim() || null;
  } catch {
    return null;
  }
}

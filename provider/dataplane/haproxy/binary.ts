import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** The first release with everything that is used here: servers that are added and removed without a reload. */
const OLDEST = [2, 6] as const;
const ANSWERS_WITHIN_MS = 10_000;

export type FoundBinary = { kind: "found"; path: string; version: string } | { kind: "unusable"; reason: string };

/** HAProxy on this user's PATH, or a sentence why there is none that can be used. */
export function findHaproxy(folders: readonly string[] = searched()): FoundBinary {
  const file = fileIn(folders);
  if (file === null)
    return unusable(
      "there is no `haproxy` on PATH: install HAProxy 2.6 or newer (`apt install haproxy`) or use the embedded engine",
    );
  const { stdout } = spawnSync(file, ["-v"], { encoding: "utf8", timeout: ANSWERS_WITHIN_MS });
  const version = /HAProxy version (\d+)\.(\d+)\S*/i.exec(stdout ?? "");
  if (version === null)
    return unusable(`${file} does not say its version: see that it is HAProxy, or use the embedded engine`);
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    return unusable(`${file} is HAProxy ${major}.${minor}, too old: install 2.6 or newer, or use the embedded engine`);
  return { kind: "found", path: file, version: `${major}.${minor}` };
}

/** Debian keeps it in /usr/sbin, which is not on every user's PATH. */
function searched(): string[] {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
}

function fileIn(folders: readonly string[]): string | null {
  for (const folder of folders) {
    const file = join(folder, "haproxy");
    if (!isAbsolute(file)) continue;
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not there: the next one.
    }
  }
  return null;
}

function unusable(reason: string): FoundBinary {
  return { kind: "unusable", reason };
}

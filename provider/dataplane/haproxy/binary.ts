import { spawnSync } from "node:child_process";
import { programIn, serverFolders } from "../../host/on-path";

/** The first release with everything that is used here: servers that are added and removed without a reload. */
const OLDEST = [2, 6] as const;
const ANSWERS_WITHIN_MS = 10_000;

export type FoundBinary = { kind: "found"; path: string; version: string } | { kind: "unusable"; reason: string };

/** HAProxy on this user's PATH, or a sentence why there is none that can be used. */
export function findHaproxy(folders: readonly string[] = serverFolders()): FoundBinary {
  const file = programIn(folders, "haproxy");
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

function unusable(reason: string): FoundBinary {
  return { kind: "unusable", reason };
}

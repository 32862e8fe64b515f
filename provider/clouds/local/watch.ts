import { statSync } from "node:fs";
import { isAlive, type ProcessIdentity } from "../../host/process-identity";

/** Both looks together cost some microseconds and one more for each VM, so they may be frequent. */
const LOOK_EVERY_MS = 100;

/**
 * Calls the listener soon after the cloud file changed (a notice may be in it) or one of the processes went. Looks
 * instead of waiting for the system's word: that one is lost on network disks and where too many files are watched.
 * Returns what ends it.
 */
export function watchWorld(file: string, atWork: () => readonly ProcessIdentity[], listener: () => void): () => void {
  let mark = markOf(file);
  let told: readonly ProcessIdentity[] = [];
  const timer = setInterval(() => {
    const now = markOf(file);
    const processes = atWork();
    // Once for each listing: until the next one nothing newer is known.
    const isLoss = processes !== told && !processes.every(isAlive);
    if (isLoss) told = processes;
    if (now === mark && !isLoss) return;
    mark = now;
    listener();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function markOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return "missing";
  }
}

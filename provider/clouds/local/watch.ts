import { basename, dirname } from "node:path";
import { toBeat } from "../../core/beat";
import type { ProcessIdentity } from "../../host/process-identity";
import { markOf } from "../../host/unchanged";
import { watchFolder } from "../../host/watch-folder";

/** A loss is to be answered within a second, a notice within a fifth of one. */
const LOSS_EVERY_MS = 250;
const FILE_EVERY_MS = 100;

/**
 * Calls the listener soon after the cloud file changed (a notice may be in it) or one of the processes went. The system's
 * word for the file spares an agent at rest most of its wakings; where there is none (too many files are watched) it
 * looks more often instead, and it looks in any case, as on a network disk the word may be lost. Returns what ends it.
 */
export function watchWorld(file: string, atWork: () => readonly ProcessIdentity[], listener: () => void): () => void {
  let mark = markOf(file)?.mark;
  let told: readonly ProcessIdentity[] = [];
  let timer: NodeJS.Timeout;
  const look = () => {
    const now = markOf(file)?.mark;
    const processes = atWork();
    // Once for each listing: until the next one nothing newer is known.
    const isLoss = processes !== told && !processes.every(mayLive);
    if (isLoss) told = processes;
    if (now === mark && !isLoss) return;
    mark = now;
    listener();
  };
  const name = basename(file);
  // The folder, as a file that is replaced is another one.
  const unwatch = watchFolder(dirname(file), (changed) => {
    if (changed === null || changed === name) look();
  });
  const lookLater = () => {
    timer = setTimeout(
      () => {
        look();
        lookLater();
      },
      toBeat(Date.now(), unwatch === null ? FILE_EVERY_MS : LOSS_EVERY_MS),
    );
    timer.unref();
  };
  lookLater();
  return () => {
    clearTimeout(timer);
    unwatch?.();
  };
}

/** A tenth of the cost of asking who it is. A zombie, or another's process of that number, is left to the next listing. */
function mayLive({ pid }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

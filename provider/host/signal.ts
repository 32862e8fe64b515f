import { isAlive, type ProcessIdentity } from "./process-identity";

/** To this very process, and to nobody who has its number now; one that has gone needs no signal. */
export function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(target)) send(target.pid, signal);
}

/** To the whole group of a process while it lives: until then its number cannot be another group's. */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(leader)) send(-leader.pid, signal);
}

/** A number below 0 is that of a group. One that went a moment ago is no error. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

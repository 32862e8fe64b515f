import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTimeOf, statOf, type ProcessIdentity } from "../../host/process-identity";

/** Every process of a replica carries these: the local cloud's tags. They outlive every record on disk. */
export const SERVICE_TAG = "PULUMI_SERVE_SERVICE_UID";
export const REPLICA_TAG = "PULUMI_SERVE_REPLICA";

const ROUNDS = 50;

/** Ends the processes with the service's tag, of one replica or (null) of all. Returns those that would not end. */
export async function killTagged(uid: string, replicaId: string | null): Promise<ProcessIdentity[]> {
  let found = tagged(uid, replicaId);
  // Again until none is seen: one may have forked between being listed and being killed.
  for (let round = 0; found.length > 0 && round < ROUNDS; round++) {
    for (const each of found) signalProcess(each, "SIGKILL");
    await sleep(10 + round);
    // One that is dying has lost its tags before it is gone.
    const dying = found.filter(isAlive);
    const others = tagged(uid, replicaId).filter(({ pid }) => dying.every((each) => each.pid !== pid));
    found = [...dying, ...others];
  }
  return found;
}

/** To the whole group of a VM while its leader lives: until then its number cannot be another group's. */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(leader)) send(-leader.pid, signal);
}

/** Where there is no /proc to find them by tag: members left of a group whose leader is gone. */
export function killLeaderlessGroup(leader: ProcessIdentity): void {
  if (statOf(leader.pid) === null) send(-leader.pid, "SIGKILL");
}

function tagged(uid: string, replicaId: string | null): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const name of processNames()) {
    const pid = Number(name);
    if (pid === process.pid || !carries(pid, uid, replicaId)) continue;
    const startTime = startTimeOf(pid);
    if (startTime !== null) found.push({ pid, startTime });
  }
  return found;
}

function processNames(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function carries(pid: number, uid: string, replicaId: string | null): boolean {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`;
    if (!environment.includes(`\0${SERVICE_TAG}=${uid}\0`)) return false;
    return replicaId === null || environment.includes(`\0${REPLICA_TAG}=${replicaId}\0`);
  } catch {
    // Another user's, or gone meanwhile.
    return false;
  }
}

function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(target)) send(target.pid, signal);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

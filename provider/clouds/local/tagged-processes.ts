import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, startTimeOf, statOf, type ProcessIdentity } from "../../host/process-identity";
import { send, signalProcess } from "../../host/signal";

/** Every process of a replica carries these: the local cloud's tags. They outlive every record on disk. */
export const SERVICE_TAG = "PULUMI_SERVE_SERVICE_UID";
export const REPLICA_TAG = "PULUMI_SERVE_REPLICA";
/** Which of the programs that ran on the replica's VM, one after the other, it belongs to; without it: the first. */
export const RESTARTS_TAG = "PULUMI_SERVE_RESTARTS";

/** The programs of a replica up to this number of restarts. */
export interface Programs {
  replicaId: string;
  upTo: number;
}

const ROUNDS = 50;

/** Ends the processes with the service's tag, of one replica or (null) of all. Returns those that would not end. */
export async function killTagged(uid: string, whose: Programs | null): Promise<ProcessIdentity[]> {
  let found = tagged(uid, whose);
  // Again until none is seen: one may have forked between being listed and being killed.
  for (let round = 0; found.length > 0 && round < ROUNDS; round++) {
    for (const each of found) signalProcess(each, "SIGKILL");
    await sleep(10 + round);
    // One that is dying has lost its tags before it is gone.
    const dying = found.filter(isAlive);
    const others = tagged(uid, whose).filter(({ pid }) => dying.every((each) => each.pid !== pid));
    found = [...dying, ...others];
  }
  return found;
}

/** Where there is no /proc to find them by tag: members left of a group whose leader is gone. */
export function killLeaderlessGroup(leader: ProcessIdentity): void {
  if (statOf(leader.pid) === null) send(-leader.pid, "SIGKILL");
}

function tagged(uid: string, whose: Programs | null): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const name of processNames()) {
    const pid = Number(name);
    if (pid === process.pid || !carries(pid, uid, whose)) continue;
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

function carries(pid: number, uid: string, whose: Programs | null): boolean {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`;
    if (!environment.includes(`\0${SERVICE_TAG}=${uid}\0`)) return false;
    if (whose === null) return true;
    if (!environment.includes(`\0${REPLICA_TAG}=${whose.replicaId}\0`)) return false;
    const restarts = new RegExp(`\0${RESTARTS_TAG}=(\\d+)\0`).exec(environment)?.[1] ?? "0";
    return Number(restarts) <= whose.upTo;
  } catch {
    // Another user's, or gone meanwhile.
    return false;
  }
}

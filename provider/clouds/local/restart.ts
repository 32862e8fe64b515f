import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RestartRequest } from "../../ports/cloud";
import { signalGroup } from "../../host/signal";
import { forgetEarlier, sweep } from "./attend";
import { alreadyEnded, damagedRecord, launchFailed, undying } from "./errors";
import { programFolder, startProgram, unpackWork, type Start } from "./launch";
import { noteRestart } from "./log";
import { markTold, type Program } from "./program-folder";
import { readRecord, readVm, vmFile, type ReplicaRecord, type Vm } from "./replica-folder";
import { killLeaderlessGroup, killTagged } from "./tagged-processes";

interface Place {
  /** The VM's. */
  folder: string;
  uid: string;
}

const LOOK_MS = 15;

/**
 * Ends the programs before this one and starts it. Whatever of this a killed process has done is found in the folder, so
 * the same request goes on from there; `fence` is asked again before each step that another process must see first.
 */
export async function restartProgram(place: Place, request: RestartRequest, fence: () => Promise<void>): Promise<void> {
  const { replicaId, restarts, graceSeconds, revision } = request;
  const { folder, uid } = place;
  const vm = await readVm(folder);
  const record = await recordOf(vm, replicaId);
  if (isDone(vm, restarts)) return;
  const start: Start = { folder, uid, record, restarts };
  await mkdir(programFolder(start), { recursive: true, mode: 0o700 });
  // While the old program still serves: a workdir that cannot be unpacked must not cost it.
  await unpackWork(programFolder(start), request.workdir);
  await fence();
  if ((await endEarlier(place, request, Date.now() + graceSeconds * 1000)) === "done") return;
  await fence();
  await noteRestart(vmFile.log(folder), revision);
  try {
    await startProgram(start, request);
  } catch (error) {
    // Its shell gives way when the VM was told to end meanwhile: then that is the reason, and asking again is no use.
    if (await isEnding(folder)) throw alreadyEnded(replicaId);
    throw error;
  }
  await clearUp(place, replicaId);
}

async function isEnding(folder: string): Promise<boolean> {
  return (await readRecord(folder)) === null || (await readVm(folder)).endsAt !== null;
}

async function recordOf({ folder, present, restarting, endsAt }: Vm, replicaId: string): Promise<ReplicaRecord> {
  const record = await readRecord(folder);
  if (record === null) throw launchFailed(replicaId, "it was never launched, so there is no VM to start it on.");
  if (record === "damaged") throw damagedRecord(replicaId, vmFile.record(folder));
  if (endsAt !== null || (present.status.kind === "barred" && !restarting)) throw alreadyEnded(replicaId);
  return record;
}

/** Started, by whomever, or past: a later restart was asked for. */
function isDone({ present, programs }: Vm, restarts: number): boolean {
  return present.restarts >= restarts || programs.at(-1)!.restarts > restarts;
}

/** Politely, then by force; a program that is only just being started looks for our folder itself and gives way. */
async function endEarlier(
  { folder, uid }: Place,
  { replicaId, restarts }: RestartRequest,
  deadline: number,
): Promise<"done" | "ended"> {
  for (;;) {
    const vm = await readVm(folder);
    if (vm.endsAt !== null) throw alreadyEnded(replicaId);
    if (isDone(vm, restarts)) return "done";
    const live = vm.programs.filter(({ status }) => status.kind === "live");
    for (const program of live) await askToEnd(program, deadline);
    if (live.length === 0) {
      for (const { status } of vm.programs) if (status.kind === "ended") killLeaderlessGroup(status.leader);
      break;
    }
    await sleep(LOOK_MS);
  }
  // The new one takes the port over: nothing of the earlier ones may still listen there.
  const left = await killTagged(uid, { replicaId, upTo: restarts - 1 });
  if (left.length > 0) throw undying(left.map(({ pid }) => pid));
  return "ended";
}

async function askToEnd({ folder, status, told }: Program, deadline: number): Promise<void> {
  if (status.kind !== "live") return;
  if (Date.now() >= deadline) signalGroup(status.leader, "SIGKILL");
  // Once: for many servers a second SIGTERM means "drop everything".
  else if (!told) {
    signalGroup(status.leader, "SIGTERM");
    await markTold(folder);
  }
}

async function clearUp({ folder, uid }: Place, replicaId: string): Promise<void> {
  const vm = await readVm(folder);
  for (const program of vm.programs) {
    if (program.restarts < vm.present.restarts) await sweep({ uid, replicaId }, program);
  }
  await forgetEarlier(vm);
}

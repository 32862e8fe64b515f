import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { signalGroup } from "../../host/signal";
import { releasePort } from "./ports";
import { fileOf, markLost, markSwept, type Program } from "./program-folder";
import { markCleared, readRecord, readVm, restartFolder, type Vm } from "./replica-folder";
import { killLeaderlessGroup, killTagged } from "./tagged-processes";

/** Whose processes they are: the tag of the service and the id of the replica. */
export interface Owner {
  uid: string;
  replicaId: string;
}

/** Reads a VM and does what is due: kills at the deadline, clears up behind the dead. Any process may, at any time. */
export async function attend(owner: Owner, folder: string): Promise<Vm> {
  const vm = await readVm(folder);
  if (vm.endsAt !== null) await seeToTheEnd(owner, vm, vm.endsAt);
  // Until a restart has started its program it needs the VM as it is: whoever carries it out clears up.
  else if (!vm.restarting) {
    for (const program of vm.programs) if (program.status.kind !== "unclaimed") await sweep(owner, program);
  }
  return vm;
}

async function seeToTheEnd(owner: Owner, vm: Vm, endsAt: number): Promise<void> {
  const live = vm.programs.flatMap(({ status }) => (status.kind === "live" ? status.leader : []));
  if (endsAt <= Date.now()) for (const leader of live) signalGroup(leader, "SIGKILL");
  if (live.length > 0 || vm.cleared) return;
  for (const program of vm.programs) if (!(await sweep(owner, program))) return;
  // Last: as long as something of it runs, it may listen there.
  await giveBackPort(vm.folder);
  await markCleared(vm.folder);
}

/**
 * Removes what a program that runs no more left behind. Never what a later one on the same VM has: that one may start
 * at any moment. False: what even SIGKILL does not end (it hangs in the kernel) is tried again at the next look.
 */
export async function sweep(owner: Owner, program: Program): Promise<boolean> {
  const { folder, restarts, status } = program;
  if (program.swept || status.kind === "live") return program.swept;
  if (status.kind === "ended") {
    killLeaderlessGroup(status.leader);
    if (status.endedAt === Number.POSITIVE_INFINITY) {
      status.endedAt = Date.now();
      await markLost(folder, status.phase, status.endedAt);
    }
  }
  if ((await killTagged(owner.uid, { replicaId: owner.replicaId, upTo: restarts })).length > 0) return false;
  await rm(fileOf.work(folder), { recursive: true, force: true, maxRetries: 3 });
  if (existsSync(fileOf.claim(folder))) await markSwept(folder);
  return true;
}

/** Programs before the last but one are forgotten; that one stays, for whoever is just reading the folder. */
export async function forgetEarlier(vm: Vm): Promise<void> {
  const { folder, present } = vm;
  for (const { restarts } of vm.programs.slice(1)) {
    if (restarts < present.restarts - 1) await rm(restartFolder(folder, restarts), { recursive: true, force: true });
  }
}

export async function giveBackPort(folder: string): Promise<void> {
  const record = await readRecord(folder);
  // The port of a damaged record is free for others as soon as the folder is gone.
  if (record !== null && record !== "damaged") await releasePort(record.port, folder);
}

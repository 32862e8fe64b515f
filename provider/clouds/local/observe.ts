import type { ObservedVm } from "../../core/observed";
import { lastLinesOfProgram } from "./log";
import { exitOf } from "./program-folder";
import { vmFile, type ReplicaRecord, type Vm } from "./replica-folder";

/** How long a VM that ended by itself stays listed with its exit. */
export const LISTED_AFTER_END_MS = 5 * 60_000;

/**
 * What is told of a VM; null: there is none, or none any more. A record that is damaged or gone costs what only it says:
 * the VM is told all the same, because one that runs unseen is one that nobody ends.
 */
export async function observeVm(
  replicaId: string,
  record: ReplicaRecord | "damaged" | null,
  vm: Vm,
): Promise<ObservedVm | null> {
  const { status, restarts } = vm.present;
  const seen = { replicaId, ...placeOf(record), exit: null, restarts };
  if (vm.endsAt !== null) return vm.programs.some(isLive) ? { ...seen, state: "ending" } : null;
  const runs = status.kind === "live" && status.phase === "run";
  // Between two programs the machine is there, however the first one ended.
  if (vm.restarting) return { ...seen, state: runs ? "running" : "booting" };
  switch (status.kind) {
    case "unclaimed":
      return record === null ? null : { ...seen, state: "booting" };
    case "barred":
      return null;
    case "live":
      return { ...seen, state: runs ? "running" : "booting" };
    case "ended": {
      if (Date.now() - status.endedAt > LISTED_AFTER_END_MS) return null;
      return { ...seen, state: "ended", exit: exitOf(status, await lastLinesOfProgram(vmFile.log(vm.folder), 5)) };
    }
  }
}

function placeOf(record: ReplicaRecord | "damaged" | null): Pick<ObservedVm, "address" | "zone" | "market"> {
  if (record === null || record === "damaged") return { address: null, zone: "unknown", market: "onDemand" };
  const { zone, market, port } = record;
  return { address: { host: "127.0.0.1", port }, zone, market };
}

function isLive({ status }: Vm["present"]): boolean {
  return status.kind === "live";
}

import { ServeError } from "../../core/errors";
import { signalGroup } from "../../host/signal";
import { replicasWith } from "./folders";
import { readVm } from "./replica-folder";

/** What a spot market or a power cut does: SIGKILL to all of a replica's processes at once. Returns the VM's pid. */
export async function killReplica(serviceFolder: string, replicaId: string): Promise<number> {
  const { status } = (await readVm(replicasWith(serviceFolder, replicaId).folderOf(replicaId))).present;
  if (status.kind !== "live") {
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      reasons: [
        `Replica ${replicaId} does not run, so it cannot be killed: see \`pulumi-serve status\` for those that do.`,
      ],
    });
  }
  signalGroup(status.leader, "SIGKILL");
  return status.leader.pid;
}

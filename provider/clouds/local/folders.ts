import { existsSync } from "node:fs";
import { join } from "node:path";
import { namesIn } from "../../host/small-files";
import { Replicas } from "./replicas";

/** Where a target of the service keeps its replicas; null: the service's own. */
export function targetFolder(serviceFolder: string, target: string | null): string {
  return target === null ? serviceFolder : join(serviceFolder, "targets", target);
}

/** Every target that ever was, the service's own first. */
export function targetsThere(serviceFolder: string): (string | null)[] {
  return [null, ...namesIn(join(serviceFolder, "targets")).sort()];
}

/** Where this replica is; nowhere: where it would be in the service's own target. */
export function replicasWith(serviceFolder: string, replicaId: string): Replicas {
  const all = targetsThere(serviceFolder).map((target) => new Replicas(targetFolder(serviceFolder, target)));
  return all.find((replicas) => existsSync(replicas.folderOf(replicaId))) ?? all[0]!;
}

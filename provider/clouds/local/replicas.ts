import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ServeError } from "../../core/errors";
import { namesIn } from "../../host/small-files";
import { vmFile } from "./replica-folder";

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The folder of all replicas of a service: one folder each, the newest epoch seen, and the ids that were ended. */
export class Replicas {
  readonly folder: string;
  private readonly ended: string;
  private readonly epochs: string;

  constructor(serviceFolder: string) {
    this.folder = join(serviceFolder, "replicas");
    this.ended = join(this.folder, ".ended");
    this.epochs = join(this.folder, ".epochs");
  }

  folderOf(replicaId: string): string {
    if (!ID.test(replicaId)) {
      throw new ServeError({
        code: "InvalidInput",
        scope: "input",
        reasons: [`${JSON.stringify(replicaId)} is not the id of a replica: see \`pulumi-serve status\` for them.`],
      });
    }
    return join(this.folder, replicaId);
  }

  async ids(): Promise<string[]> {
    return namesIn(this.folder)
      .filter((name) => ID.test(name))
      .sort();
  }

  /**
   * Throws StaleEpoch when a newer epoch has acted. Each epoch is a folder's name, so two processes at once can only add
   * to what is known, never take it back.
   */
  async fence(epoch: number): Promise<void> {
    const newest = Math.max(0, ...(await this.knownEpochs()));
    if (epoch < newest) {
      throw new ServeError({
        code: "StaleEpoch",
        scope: "agent",
        reasons: [
          `The local cloud refused epoch ${epoch}, because epoch ${newest} has acted in ${this.folder}: this process must ` +
            `stop acting for the service.`,
        ],
      });
    }
    if (epoch === newest) return;
    await mkdir(join(this.epochs, String(epoch)), { recursive: true, mode: 0o700 });
    for (const older of await this.knownEpochs()) {
      if (older < newest) await rm(join(this.epochs, String(older)), { recursive: true, force: true });
    }
  }

  /** Forgets all of an ended replica but that its id must never run again. */
  async bury(replicaId: string): Promise<void> {
    await mkdir(join(this.ended, replicaId), { recursive: true, mode: 0o700 });
    await rm(this.folderOf(replicaId), { recursive: true, force: true });
  }

  async isBuried(replicaId: string): Promise<boolean> {
    return existsSync(join(this.ended, replicaId));
  }

  /** For `pulumi-serve logs`: stdout and stderr of setup and run; `<path>.1` is what was rotated away. */
  logOf(replicaId: string): string {
    return vmFile.log(this.folderOf(replicaId));
  }

  private async knownEpochs(): Promise<number[]> {
    return namesIn(this.epochs).map(Number);
  }
}

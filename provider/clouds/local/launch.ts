import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { allowedEnvironment, spawnDetached } from "../../host/child";
import { createFile, temporaryName } from "../../host/durable-file";
import { startTimeOf } from "../../host/process-identity";
import { unpackTar } from "../../host/workdir";
import type { LaunchRequest } from "../../ports/cloud";
import { launchFailed } from "./errors";
import { lastLines } from "./log";
import { fileOf } from "./program-folder";
import { restartFolder, vmFile, type ReplicaRecord } from "./replica-folder";
import { REPLICA_TAG, RESTARTS_TAG, SERVICE_TAG } from "./tagged-processes";
import { VM_SCRIPT } from "./vm-script";

const CLAIM_SECONDS = 10;

/** Puts the workdir in its place as a whole: a launch that was killed leaves none, and of two at once one wins. */
export async function unpackWork(folder: string, workdir: LaunchRequest["workdir"]): Promise<void> {
  const work = fileOf.work(folder);
  if (existsSync(work)) return;
  const temporary = temporaryName(work);
  try {
    await mkdir(temporary, { mode: 0o700 });
    if (workdir !== null) await unpackTar(await workdir(), temporary);
    await rename(temporary, work);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Which program of which VM is started. */
export interface Start {
  /** The VM's. */
  folder: string;
  uid: string;
  record: ReplicaRecord;
  /** 0: the first, on a VM that has yet to boot. */
  restarts: number;
}

/** Starts the program's shell and returns when it, or another that was started for the same one, has claimed its place. */
export async function startProgram(
  start: Start,
  { setup, run, env, revision }: Pick<LaunchRequest, "setup" | "run" | "env" | "revision">,
): Promise<void> {
  const { folder, record, restarts } = start;
  const own = programFolder(start);
  await createFile(fileOf.script(own), VM_SCRIPT);
  const boot = restarts === 0 ? record.bootSeconds : 0;
  const pid = spawnDetached({
    command: "/bin/sh",
    args: [fileOf.script(own), folder, String(restarts), String(boot), setup === null ? "" : "setup", setup ?? "", run],
    env: { ...allowedEnvironment(), ...env, ...environmentOf(start, revision) },
    cwd: fileOf.work(own),
    logFile: vmFile.log(folder),
  });
  const deadline = Date.now() + CLAIM_SECONDS * 1000;
  while (!existsSync(fileOf.claim(own))) {
    if (startTimeOf(pid) === null || Date.now() > deadline) {
      if (existsSync(fileOf.claim(own))) return;
      throw launchFailed(record.replicaId, (await lastLines(vmFile.log(folder), 1))[0] ?? "its shell ended at once");
    }
    await sleep(3);
  }
}

export function programFolder({ folder, restarts }: Pick<Start, "folder" | "restarts">): string {
  return restarts === 0 ? folder : restartFolder(folder, restarts);
}

/** Ours win over the template's: a replica that listened elsewhere, or carried another's tag, would be lost to us. */
function environmentOf({ uid, record, restarts }: Start, revision: string): Record<string, string> {
  return {
    PORT: String(record.port),
    [SERVICE_TAG]: uid,
    [REPLICA_TAG]: record.replicaId,
    [RESTARTS_TAG]: String(restarts),
    PULUMI_SERVE_REVISION: revision,
    PULUMI_SERVE_POOL: record.pool,
    PULUMI_SERVE_ZONE: record.zone,
  };
}

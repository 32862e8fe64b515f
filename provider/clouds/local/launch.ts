import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { sentenceOf, ServeError } from "../../core/errors";
import { allowedEnvironment, spawnDetached } from "../../host/child";
import { createFile, temporaryName } from "../../host/durable-file";
import { startTimeOf } from "../../host/process-identity";
import { unpackTar } from "../../host/workdir";
import type { LaunchRequest } from "../../ports/cloud";
import { lastLines } from "./log";
import { fileOf, type ReplicaRecord } from "./replica-folder";
import { REPLICA_TAG, SERVICE_TAG } from "./tagged-processes";
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

/** Starts the VM's shell and returns when it, or another that was started for the same id, has claimed the id. */
export async function startVm(
  folder: string,
  uid: string,
  record: ReplicaRecord,
  { setup, run, env }: LaunchRequest,
): Promise<void> {
  await createFile(fileOf.script(folder), VM_SCRIPT);
  const pid = spawnDetached({
    command: "/bin/sh",
    args: [fileOf.script(folder), String(record.bootSeconds), setup === null ? "" : "setup", setup ?? "", run],
    env: { ...allowedEnvironment(), ...env, ...environmentOf(uid, record) },
    cwd: fileOf.work(folder),
    logFile: fileOf.log(folder),
  });
  const deadline = Date.now() + CLAIM_SECONDS * 1000;
  while (!existsSync(fileOf.claim(folder))) {
    if (startTimeOf(pid) === null || Date.now() > deadline) {
      if (existsSync(fileOf.claim(folder))) return;
      throw launchFailed(record.replicaId, (await lastLines(fileOf.log(folder), 1))[0] ?? "its shell ended at once");
    }
    await sleep(3);
  }
}

export function launchFailed(replicaId: string, why: string, cause?: unknown): ServeError {
  return new ServeError({
    code: "LaunchFailed",
    scope: "account",
    retryable: true,
    reasons: [`The process of replica ${replicaId} could not be started on this computer: ${why}`],
    cause,
  });
}

/** For what goes wrong on this computer's disk or process table; what has a sentence already keeps it. */
export function asLaunchError(replicaId: string, error: unknown): ServeError {
  return error instanceof ServeError ? error : launchFailed(replicaId, sentenceOf(error), error);
}

/** Ours win over the template's: a replica that listened elsewhere, or carried another's tag, would be lost to us. */
function environmentOf(uid: string, record: ReplicaRecord): Record<string, string> {
  return {
    PORT: String(record.port),
    [SERVICE_TAG]: uid,
    [REPLICA_TAG]: record.replicaId,
    PULUMI_SERVE_REVISION: record.revision,
    PULUMI_SERVE_POOL: record.pool,
    PULUMI_SERVE_ZONE: record.zone,
  };
}

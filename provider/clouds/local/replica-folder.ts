import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { createFile } from "../../host/durable-file";
import { readSmallFile } from "../../host/small-files";
import { Unchanged } from "../../host/unchanged";
import { fileOf, mark, readProgram, type Program } from "./program-folder";

const ReplicaRecord = z.object({
  replicaId: z.string(),
  pool: z.string(),
  revision: z.string(),
  market: z.enum(["onDemand", "spot"]),
  zone: z.string(),
  /** Absent: it has no accelerators. */
  shape: z.string().optional(),
  port: z.int(),
  bootSeconds: z.number(),
  epoch: z.int(),
  launchedAt: z.number(),
});

/** What was asked for, written before anything is started. Never an environment value. */
export type ReplicaRecord = z.infer<typeof ReplicaRecord>;

export interface Vm {
  folder: string;
  /** Oldest first. The one that the VM was launched with lies in the replica's folder, each later one in `restart.<n>`. */
  programs: Program[];
  /** The newest that was started; the first as long as none was. */
  present: Program;
  /** Another one was asked for and has not been started yet. */
  restarting: boolean;
  /** When it is killed, once it was told to end. */
  endsAt: number | null;
  /** Told to end, and all processes, work copies and the port are gone. */
  cleared: boolean;
}

/** The name of a folder here is what says that a restart was asked for: it only ever grows, so no later look can doubt it. */
export function restartFolder(folder: string, restarts: number): string {
  return join(folder, `restart.${restarts}`);
}

export const vmFile = {
  record: (folder: string) => join(folder, "record.json"),
  log: (folder: string) => join(folder, "log"),
};

/** False: somebody recorded this replica before; what they wrote counts. */
export async function createRecord(folder: string, record: ReplicaRecord): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return createFile(vmFile.record(folder), `${JSON.stringify(record)}\n`);
}

/** Damaged: something is there that no program of ours wrote. It says nothing about whether the VM runs. */
export async function readRecord(folder: string): Promise<ReplicaRecord | "damaged" | null> {
  return records.read(vmFile.record(folder));
}

const records = new Unchanged((file): ReplicaRecord | "damaged" | null => {
  const bytes = readSmallFile(file);
  if (bytes === null) return null;
  try {
    return ReplicaRecord.parse(JSON.parse(bytes.toString()));
  } catch {
    return "damaged";
  }
});

/** Its record is there, and no program was ever started for it. */
export function isOnlyPlaced({ present, restarting, endsAt }: Vm): boolean {
  return present.status.kind === "unclaimed" && !restarting && endsAt === null;
}

/** What is so, from the names in the folder and the processes that they name. */
export async function readVm(folder: string): Promise<Vm> {
  const { program: first, names } = readProgram(folder, 0);
  const restarts = matches(names, /^restart\.(\d+)$/).sort((a, b) => a - b);
  const later = restarts.map((count) => readProgram(restartFolder(folder, count), count));
  const programs = [first, ...later.map(({ program }) => program)];
  const present = programs.findLast(({ status }) => status.kind === "live" || status.kind === "ended") ?? first;
  const ending = matches(names, /^ending\.(\d+)$/);
  return {
    folder,
    programs,
    present,
    restarting: programs.at(-1) !== present,
    endsAt: ending.length === 0 ? null : Math.min(...ending),
    cleared: names.includes("cleared"),
  };
}

/** Makes sure that the VM has a name to mark. True: it had not run, and what it was launched with never will. */
export async function barFromRunning(folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return createFile(fileOf.claim(folder), "barred\n");
}

/** From here on no program starts on this VM any more: each looks for this mark when it has made itself known. */
export function markEnding(folder: string, at: number): Promise<void> {
  return mark(folder, `ending.${Math.round(at)}`);
}

export function markCleared(folder: string): Promise<void> {
  return mark(folder, "cleared");
}

function matches(names: readonly string[], pattern: RegExp): number[] {
  return names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
}

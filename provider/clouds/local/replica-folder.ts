import { link, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { VmExit } from "../../core/observed";
import { createFile } from "../../host/durable-file";
import { isAlive, type ProcessIdentity } from "../../host/process-identity";

const ReplicaRecord = z.object({
  replicaId: z.string(),
  pool: z.string(),
  revision: z.string(),
  market: z.enum(["onDemand", "spot"]),
  zone: z.string(),
  port: z.int(),
  bootSeconds: z.number(),
  epoch: z.int(),
  launchedAt: z.number(),
});

/** What was asked for, written before anything is started. Never an environment value. */
export type ReplicaRecord = z.infer<typeof ReplicaRecord>;

export type VmPhase = VmExit["phase"];

export type VmStatus =
  /** Asked for, and not running yet: the asker is at work, or was killed. */
  | { kind: "unclaimed" }
  /** Ended before it ran, and never will. */
  | { kind: "barred" }
  | { kind: "live"; leader: ProcessIdentity; phase: VmPhase }
  | { kind: "ended"; leader: ProcessIdentity; phase: VmPhase; code: number | null; endedAt: number };

export interface Vm {
  folder: string;
  status: VmStatus;
  /** When it is killed, once it was told to end. */
  endsAt: number | null;
  /** The SIGTERM was sent. */
  told: boolean;
  /** All processes, the work copy and the port are gone. */
  swept: boolean;
}

const BARRED = "barred\n";

export const fileOf = {
  record: (folder: string) => join(folder, "record.json"),
  script: (folder: string) => join(folder, "vm.sh"),
  claim: (folder: string) => join(folder, "vm.pid"),
  work: (folder: string) => join(folder, "work"),
  log: (folder: string) => join(folder, "log"),
};

/** False: somebody recorded this replica before; what they wrote counts. */
export async function createRecord(folder: string, record: ReplicaRecord): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return createFile(fileOf.record(folder), `${JSON.stringify(record)}\n`);
}

export async function readRecord(folder: string): Promise<ReplicaRecord | null> {
  const text = await readFile(fileOf.record(folder), "utf8").catch(() => null);
  return text === null ? null : ReplicaRecord.parse(JSON.parse(text));
}

/** True: this id had not run, and can never run any more. Decided by the same link as the VM's own claim. */
export async function barFromRunning(folder: string): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return createFile(fileOf.claim(folder), BARRED);
}

/** What is so, from the names in the folder and the process they name. */
export async function readVm(folder: string): Promise<Vm> {
  const leader = await readClaim(folder);
  // Asked before the names are read: a VM that ends in between has then already said how, and is not taken for lost.
  const alive = leader !== null && leader !== "barred" && isAlive(leader);
  const names = await readdir(folder).catch(() => [] as string[]);
  const ending = names.map((name) => /^ending\.(\d+)$/.exec(name)?.[1]).filter((at) => at !== undefined);
  return {
    folder,
    status:
      leader === null
        ? { kind: "unclaimed" }
        : leader === "barred"
          ? { kind: "barred" }
          : statusOf(leader, alive, names),
    endsAt: ending.length === 0 ? null : Math.min(...ending.map(Number)),
    told: names.includes("told"),
    swept: names.includes("swept"),
  };
}

export function markEnding(folder: string, at: number): Promise<void> {
  return mark(folder, `ending.${Math.round(at)}`);
}

export function markTold(folder: string): Promise<void> {
  return mark(folder, "told");
}

export function markSwept(folder: string): Promise<void> {
  return mark(folder, "swept");
}

/** Writes down when a VM was first seen to be gone without having said why. */
export async function markLost(folder: string, phase: VmPhase, at: number): Promise<void> {
  const seconds = Math.round(at / 1000);
  await rename(join(folder, `phase.${phase}`), join(folder, `lost.${phase}.${seconds}`)).catch(async (error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const names = await readdir(folder);
    if (!names.some((name) => name.startsWith("lost."))) await mark(folder, `lost.${phase}.${seconds}`);
  });
}

/** A shell says 128 + n of a program that signal n ended. Nobody but SIGKILL's sender can have taken the machine away. */
export function exitOf(status: Extract<VmStatus, { kind: "ended" }>, lines: string[]): VmExit {
  const { phase, code } = status;
  const number = code === null ? constants.signals.SIGKILL : code - 128;
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
  return { phase, code: signal === null ? code : null, signal, lost: signal === "SIGKILL", lastLines: lines };
}

function statusOf(leader: ProcessIdentity, alive: boolean, names: readonly string[]): VmStatus {
  for (const name of names) {
    const [, how, phase, code, seconds] = /^(exit|lost)\.(boot|setup|run)\.(?:(\d+)\.)?(\d+)$/.exec(name) ?? [];
    if (how === undefined) continue;
    const endedAt = Number(seconds) * 1000;
    return { kind: "ended", leader, phase: phase as VmPhase, code: code === undefined ? null : Number(code), endedAt };
  }
  const phase = (["run", "setup", "boot"] as const).find((each) => names.includes(`phase.${each}`)) ?? "boot";
  return alive
    ? { kind: "live", leader, phase }
    : { kind: "ended", leader, phase, code: null, endedAt: Number.POSITIVE_INFINITY };
}

async function readClaim(folder: string): Promise<ProcessIdentity | "barred" | null> {
  const text = await readFile(fileOf.claim(folder), "utf8").catch(() => null);
  if (text === null) return null;
  if (text === BARRED) return "barred";
  const space = text.indexOf(" ");
  return { pid: Number(text.slice(0, space)), startTime: text.slice(space + 1).trim() };
}

/** A mark is one more name of `vm.pid`: it takes no space, so a full disk keeps nobody from ending a VM. */
async function mark(folder: string, name: string): Promise<void> {
  await link(fileOf.claim(folder), join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

import { link, rename } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import type { VmExit } from "../../core/observed";
import { isAlive, type ProcessIdentity } from "../../host/process-identity";
import { namesIn, readSmallFile } from "../../host/small-files";
import { Unchanged } from "../../host/unchanged";

export type Phase = VmExit["phase"];

export type ProgramStatus =
  /** Asked for, and not running yet: the asker is at work, or was killed. */
  | { kind: "unclaimed" }
  /** Ended before it ran, and never will. */
  | { kind: "barred" }
  | { kind: "live"; leader: ProcessIdentity; phase: Phase }
  | { kind: "ended"; leader: ProcessIdentity; phase: Phase; code: number | null; endedAt: number };

/** One program of a VM, by the names in its folder. */
export interface Program {
  folder: string;
  /** 0: the one that the VM was launched with. */
  restarts: number;
  status: ProgramStatus;
  /** The SIGTERM was sent. */
  told: boolean;
  /** All of its processes and its work copy are gone. */
  swept: boolean;
}

export const fileOf = {
  script: (folder: string) => join(folder, "vm.sh"),
  claim: (folder: string) => join(folder, "vm.pid"),
  work: (folder: string) => join(folder, "work"),
};

/** What is so, and all the names in its folder. */
export function readProgram(folder: string, restarts: number): { program: Program; names: string[] } {
  const leader = claims.read(fileOf.claim(folder));
  // Asked before the names are read: a program that ends in between has then already said how, and is not taken for lost.
  const alive = leader !== null && leader !== "barred" && isAlive(leader);
  const names = marks.read(folder);
  const status: ProgramStatus =
    leader === null ? { kind: "unclaimed" } : leader === "barred" ? { kind: "barred" } : statusOf(leader, alive, names);
  const [told, swept] = [names.includes("told"), names.includes("swept")];
  return { program: { folder, restarts, status, told, swept }, names };
}

export function markTold(folder: string): Promise<void> {
  return mark(folder, "told");
}

export function markSwept(folder: string): Promise<void> {
  return mark(folder, "swept");
}

/** Writes down when a program was first seen to be gone without having said why. */
export async function markLost(folder: string, phase: Phase, at: number): Promise<void> {
  const seconds = Math.round(at / 1000);
  await rename(join(folder, `phase.${phase}`), join(folder, `lost.${phase}.${seconds}`)).catch(async (error) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (!namesIn(folder).some((name) => name.startsWith("lost."))) await mark(folder, `lost.${phase}.${seconds}`);
  });
}

/** A mark is one more name of `vm.pid`: it takes no space, so a full disk keeps nobody from ending a VM. */
export async function mark(folder: string, name: string): Promise<void> {
  await link(fileOf.claim(folder), join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** A shell says 128 + n of a program that signal n ended. Nobody but SIGKILL's sender can have taken the machine away. */
export function exitOf(status: Extract<ProgramStatus, { kind: "ended" }>, lines: string[]): VmExit {
  const { phase, code } = status;
  const number = code === null ? constants.signals.SIGKILL : code - 128;
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
  return { phase, code: signal === null ? code : null, signal, lost: signal === "SIGKILL", lastLines: lines };
}

function statusOf(leader: ProcessIdentity, alive: boolean, names: readonly string[]): ProgramStatus {
  for (const name of names) {
    const [, how, phase, code, seconds] = /^(exit|lost)\.(boot|setup|run)\.(?:(\d+)\.)?(\d+)$/.exec(name) ?? [];
    if (how === undefined) continue;
    const endedAt = Number(seconds) * 1000;
    return { kind: "ended", leader, phase: phase as Phase, code: code === undefined ? null : Number(code), endedAt };
  }
  const phase = (["run", "setup", "boot"] as const).find((each) => names.includes(`phase.${each}`)) ?? "boot";
  return alive
    ? { kind: "live", leader, phase }
    : { kind: "ended", leader, phase, code: null, endedAt: Number.POSITIVE_INFINITY };
}

const claims = new Unchanged((file): ProcessIdentity | "barred" | null => {
  const bytes = readSmallFile(file);
  if (bytes === null) return null;
  const text = bytes.toString();
  if (text === "barred\n") return "barred";
  const space = text.indexOf(" ");
  return { pid: Number(text.slice(0, space)), startTime: text.slice(space + 1).trim() };
});

const marks = new Unchanged(namesIn);

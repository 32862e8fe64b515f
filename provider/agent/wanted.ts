import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import type { Program } from "./program";

/** Which agent shall look after a service. A handler of another package version asks for its own with it. */
export interface WantedAgent extends Program {
  packageVersion: string;
}

export async function writeWantedAgent(serviceFolder: string, wanted: WantedAgent): Promise<void> {
  const temporary = `${fileIn(serviceFolder)}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(wanted), { mode: 0o600 });
  try {
    await rename(temporary, fileIn(serviceFolder));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Null: nobody asked, or what is there cannot be read; the agent that runs is good enough then. */
export async function readWantedAgent(serviceFolder: string): Promise<WantedAgent | null> {
  try {
    const wanted = JSON.parse(await readFile(fileIn(serviceFolder), "utf8")) as Partial<WantedAgent>;
    const { packageVersion, command, args } = wanted;
    if (typeof packageVersion !== "string" || typeof command !== "string" || !Array.isArray(args)) return null;
    return { packageVersion, command, args };
  } catch {
    return null;
  }
}

function fileIn(serviceFolder: string): string {
  return join(serviceFolder, "agent-wanted.json");
}

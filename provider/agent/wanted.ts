import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../host/durable-file";
import type { Program } from "./program";

/** Which agent shall look after a service. A handler of another package version asks for its own with it. */
export interface WantedAgent extends Program {
  packageVersion: string;
}

export async function writeWantedAgent(serviceFolder: string, wanted: WantedAgent): Promise<void> {
  await replaceFile(fileIn(serviceFolder), JSON.stringify(wanted));
}

/**
 * Who shall take over from us, or null. Asked for once: should that agent not come up, the one that is revived in its
 * place stays.
 */
export async function takeWantedAgent(serviceFolder: string, ownVersion: string): Promise<WantedAgent | null> {
  const file = fileIn(serviceFolder);
  // Asked every second for years, and almost always in vain.
  if (!existsSync(file)) return null;
  try {
    const { packageVersion, command, args } = JSON.parse(await readFile(file, "utf8")) as Partial<WantedAgent>;
    await rm(file, { force: true });
    if (typeof packageVersion !== "string" || typeof command !== "string" || !Array.isArray(args)) return null;
    return packageVersion === ownVersion ? null : { packageVersion, command, args };
  } catch {
    // Nobody asked, or not so that it can be understood.
    return null;
  }
}

function fileIn(serviceFolder: string): string {
  return join(serviceFolder, "agent-wanted.json");
}

import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const signOfLife = 2_000;
const dead = 15_000;

/**
 * Lets one run at a time do the work, in whatever process. The holder touches the file as a sign of life, so a killed
 * run delays the next one by seconds only. Two holders after an unlucky takeover are harmless: each works in a folder
 * of its own, and the result is put in place by one rename.
 */
export async function withCacheLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  let waited = false;
  while (!take(file)) {
    if (!waited) onWait();
    waited = true;
    await delay(250);
  }
  const timer = setInterval(() => fs.utimesSync(file, new Date(), new Date()), signOfLife);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    fs.rmSync(file, { force: true });
  }
}

function take(file: string): boolean {
  const age = ageOf(file);
  if (age !== null && age > dead) fs.rmSync(file, { force: true });
  try {
    fs.writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function ageOf(file: string): number | null {
  try {
    return Date.now() - fs.statSync(file).mtimeMs;
  } catch {
    return null;
  }
}

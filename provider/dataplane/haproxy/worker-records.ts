import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signalProcess } from "../../host/signal";
import type { WorkerRecord } from "./worker";
import { removeFilesOf, roomSocket, workerFolder } from "./worker-files";

/** Where the public side is: what the routing asked for, and what the system gave. */
export interface Listening {
  wanted: { host: string; port: number };
  host: string;
  port: number;
}

export interface WorkerRecords {
  version: 1;
  /** The one that takes connections first, then those that are ending. */
  workers: WorkerRecord[];
  listening: Listening | null;
}

const NOTHING: WorkerRecords = { version: 1, workers: [], listening: null };

/** `haproxy.json`: the HAProxy processes of a service, for the supervisor that comes after a killed one. */
export function readRecords(serviceFolder: string): WorkerRecords {
  try {
    const records = JSON.parse(readFileSync(fileIn(serviceFolder), "utf8")) as WorkerRecords;
    if (records.version === 1) return records;
  } catch {
    // None yet, or half written.
  }
  return NOTHING;
}

export function writeRecords(serviceFolder: string, records: WorkerRecords): void {
  const file = fileIn(serviceFolder);
  writeFileSync(`${file}.new`, JSON.stringify(records), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeRecords(serviceFolder: string): void {
  rmSync(fileIn(serviceFolder), { force: true });
  rmSync(workerFolder(serviceFolder), { recursive: true, force: true });
  rmSync(roomSocket(serviceFolder), { force: true });
}

/** Ends the HAProxy processes of a service whose supervisor is gone for good; by force, as one may hang. */
export function endOrphans(serviceFolder: string): void {
  for (const { pid, startTime, number } of readRecords(serviceFolder).workers) {
    signalProcess({ pid, startTime }, "SIGKILL");
    removeFilesOf(serviceFolder, number);
  }
  removeRecords(serviceFolder);
}

function fileIn(serviceFolder: string): string {
  return join(serviceFolder, "haproxy.json");
}

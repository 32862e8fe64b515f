import { rmSync } from "node:fs";
import { join } from "node:path";
import { engineSocket } from "../../host/paths";

/** The files and sockets of one HAProxy process. Names without a folder are in the one that it runs in. */
export interface WorkerFiles {
  config: string;
  splitMap: string;
  pinsMap: string;
  keepersMap: string;
  tokens: string;
  /** Certificate, those that vouch for it, and key; only with TLS. */
  keyPair: string;
  /** Its Runtime API. */
  runtime: string;
  /** Of the supervisor: the waiting room. */
  room: string;
}

export function filesOf(serviceFolder: string, number: number): WorkerFiles {
  return {
    config: `${number}.cfg`,
    splitMap: `${number}.split.map`,
    pinsMap: `${number}.pins.map`,
    keepersMap: `${number}.keepers.map`,
    tokens: `${number}.tokens.acl`,
    keyPair: `${number}.pem`,
    runtime: engineSocket(serviceFolder, String(number)),
    room: roomSocket(serviceFolder),
  };
}

/** The folder that every HAProxy of this service runs in. */
export function workerFolder(serviceFolder: string): string {
  return join(serviceFolder, "haproxy");
}

/** Where every HAProxy of this service sends what it cannot place. */
export function roomSocket(serviceFolder: string): string {
  return engineSocket(serviceFolder, "room");
}

/** Of a process that has ended, however it did: HAProxy itself leaves its socket behind. */
export function removeFilesOf(serviceFolder: string, number: number): void {
  const { runtime, room: _ofAll, ...own } = filesOf(serviceFolder, number);
  for (const name of Object.values(own)) rmSync(join(workerFolder(serviceFolder), name), { force: true });
  rmSync(runtime, { force: true });
}

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sentenceOf } from "../core/errors";
import type { DesiredRouting } from "../core/routing";
import type { KeyPair } from "../core/spec/tls-input";
import { isAlive, type ProcessIdentity } from "../host/process-identity";
import type { ReviveCommand } from "./protocol";

const FILE = "dataplane.json";

interface Content {
  version: 1;
  routing: DesiredRouting | null;
  revive: ReviveCommand | null;
  /** Who serves; absent: an older package wrote it. */
  process?: ProcessIdentity;
  /** Of a routing with TLS: the agent, which could ask the store for it, may be gone as well. */
  keyPair?: KeyPair | undefined;
}

/** `dataplane.json`: what a data plane that was killed needs to serve again before anybody talks to it. */
export class Persisted {
  private readonly file: string;
  private content: Content;

  constructor(folder: string) {
    this.file = join(folder, FILE);
    this.content = read(this.file);
  }

  get routing(): DesiredRouting | null {
    return this.content.routing;
  }

  get keyPair(): KeyPair | undefined {
    return this.content.keyPair;
  }

  get revive(): ReviveCommand | null {
    return this.content.revive;
  }

  save(change: Partial<Pick<Content, "routing" | "revive" | "process" | "keyPair">>): void {
    const before = JSON.stringify(this.content);
    this.content = { ...this.content, ...change };
    const after = JSON.stringify(this.content);
    if (after === before) return;
    // Renamed into place, so that a kill in the middle leaves the last complete one. A full disk must not stop the traffic.
    try {
      writeFileSync(`${this.file}.new`, after, { mode: 0o600 });
      renameSync(`${this.file}.new`, this.file);
    } catch (error) {
      process.stderr.write(
        `the routing could not be saved, so a restart would begin with an older one: ${sentenceOf(error)}\n`,
      );
    }
  }

  remove(): void {
    rmSync(this.file, { force: true });
    rmSync(`${this.file}.new`, { force: true });
  }
}

/** The data plane that holds the control socket of this service, if it still runs; null: nobody does that we know of. */
export function servingProcess(folder: string): ProcessIdentity | null {
  const { process: serving } = read(join(folder, FILE));
  return serving !== undefined && isAlive(serving) ? serving : null;
}

function read(file: string): Content {
  try {
    const content = JSON.parse(readFileSync(file, "utf8")) as Content;
    if (content.version === 1) return content;
  } catch {
    // Missing or half written: the agent brings the routing.
  }
  return { version: 1, routing: null, revive: null };
}

import assert from "node:assert/strict";
import { computerId } from "../../provider/host/computer";
import { ownIdentity } from "../../provider/host/process-identity";
import type { LeaseHolder, Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { killChildren } from "./children";
import { makeFolder, removeFolders } from "./folders";

export const IDENTITY = "p/s/chat";

const stateHomeBefore = process.env.XDG_STATE_HOME;

/** A new store under a state home of its own; `closeStore` takes both away. */
export async function openStore(): Promise<{ store: Store; warnings: string[] }> {
  process.env.XDG_STATE_HOME = makeFolder();
  const warnings: string[] = [];
  const store = openFileStore(IDENTITY, { warn: (sentence) => warnings.push(sentence) });
  await store.create();
  return { store, warnings };
}

export async function closeStore(): Promise<void> {
  await killChildren();
  if (stateHomeBefore === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = stateHomeBefore;
  removeFolders();
}

/** This process as the holder of a lease. */
export function holder(): LeaseHolder {
  return { ...ownIdentity(), computer: computerId(), packageVersion: "1.0.0" };
}

/** For `assert.rejects`: the error has this code, and its sentence matches. */
export function code(expected: string, sentence?: RegExp): (error: Error & { code?: string }) => boolean {
  return (error) => {
    assert.equal(error.code, expected, error.stack);
    if (sentence) assert.match(error.message, sentence);
    return true;
  };
}

import { ServeError } from "../../core/errors";

const SENTENCES: Record<string, string> = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "this user's disk quota is used up: free some space",
  EROFS: "the file system is mounted read-only: make it writable",
  EACCES: "this user may not write there: correct the folder's owner and mode",
  EPERM: "this user may not write there: correct the folder's owner and mode",
  EIO: "the disk reports an I/O error: see to the disk",
  EMFILE: "this process has too many files open: raise the limit (ulimit -n)",
  ENFILE: "this computer has too many files open: close some programs",
};

/** Runs a write. A disk that refuses is StoreUnwritable: what was stored before is still there, and a later try may succeed. */
export async function writing<T>(location: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw asStoreError(location, error);
  }
}

function asStoreError(location: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  if (error instanceof ServeError) return error;
  if (code === "ENOENT") return missing(location, error);
  const why = SENTENCES[code];
  if (why === undefined) return error;
  return new ServeError({
    code: "StoreUnwritable",
    scope: "store",
    retryable: true,
    reasons: [`Nothing can be written to ${location}, because ${why}. What was stored before is unharmed.`],
    cause: error,
  });
}

export function missing(location: string, cause?: unknown): ServeError {
  return new ServeError({
    code: "StoreMissing",
    scope: "store",
    reasons: [
      `There is no service at ${location}: it was destroyed, or never created. Run \`pulumi up\` to create it.`,
    ],
    cause,
  });
}

export function conflict(location: string): ServeError {
  return new ServeError({
    code: "StoreConflict",
    scope: "store",
    retryable: true,
    reasons: [`Somebody else wrote to ${location} at the same time: read it again and repeat the change.`],
  });
}

export function stale(location: string, epoch: number, newest: number): ServeError {
  return new ServeError({
    code: "StaleEpoch",
    scope: "store",
    reasons: [
      `This process holds epoch ${epoch} of ${location}, but epoch ${newest} has taken over: it must stop acting for the service.`,
    ],
  });
}

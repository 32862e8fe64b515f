import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { ServeError } from "../../core/errors";
import { runtimeFolder } from "../../host/paths";

/**
 * Below where kernels take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a client's
 * connection must not sit on a port that a booting replica is about to listen on.
 */
const [FIRST, LAST] = [18_000, 32_000];
const ATTEMPTS = 500;
const YOUNG_MS = 10_000;

/**
 * A free loopback port, kept for this replica from now until `releasePort`, among all services of this user: a replica
 * listens only after boot and setup, and until then nothing but the reservation says that the port is taken.
 */
export async function reservePort(replicaFolder: string): Promise<number> {
  const folder = join(runtimeFolder(), "ports");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, LAST);
    const reservation = join(folder, String(port));
    if (!(await take(reservation, replicaFolder))) continue;
    if (await isFree(port)) return port;
    await rm(reservation, { force: true });
  }
  throw new ServeError({
    code: "LaunchFailed",
    scope: "account",
    retryable: true,
    reasons: [`No free port was found between ${FIRST} and ${LAST} on this computer: end what listens there.`],
  });
}

/** Only the owner's reservation is removed: the port may have been given to another since. */
export async function releasePort(port: number, replicaFolder: string): Promise<void> {
  const reservation = join(runtimeFolder(), "ports", String(port));
  const owner = await readFile(reservation, "utf8").catch(() => null);
  if (owner === replicaFolder) await rm(reservation, { force: true });
}

async function take(reservation: string, owner: string): Promise<boolean> {
  try {
    await writeFile(reservation, owner, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  // Left behind by a service that was removed by hand: free it for the next attempt.
  const holder = await readFile(reservation, "utf8").catch(() => null);
  const age = await stat(reservation).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (holder !== null && age > YOUNG_MS && !existsSync(holder)) await rm(reservation, { force: true });
  return false;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

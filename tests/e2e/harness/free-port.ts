import { rmSync } from "node:fs";
import { join } from "node:path";
import { reservePort } from "../../../provider/clouds/local/ports";
import { runtimeFolder } from "../../../provider/host/paths";

const reservations: string[] = [];
process.once("exit", () => reservations.forEach((file) => rmSync(file, { force: true })));

/**
 * A loopback port that nobody listens on, kept from all other tests and replicas until this process ends. None that the
 * kernel chooses: from the same ones it takes those of outgoing connections, so that while many tests run, one of them
 * sits on the port before its service listens.
 */
export async function freePort(): Promise<number> {
  // An owner that is gone with this process: what a killed one leaves is free again.
  const port = await reservePort(`/proc/${process.pid}`);
  reservations.push(join(runtimeFolder(), "ports", String(port)));
  return port;
}

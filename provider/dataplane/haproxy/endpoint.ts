import { createServer, type AddressInfo } from "node:net";
import { bind } from "../bind";
import type { Listening } from "./worker-records";

/**
 * Finds out where HAProxy can listen: it tells neither which port the system chose nor, in words, who holds one. `before` is
 * the port that a process which has died had, for clients that know it.
 */
export async function reserve(wanted: { host: string; port: number }, before: number | null): Promise<Listening> {
  const found = await bind(wanted, () => tryListen({ host: wanted.host, port: before ?? wanted.port }));
  return { wanted, ...found };
}

function tryListen(wanted: {
  host: string;
  port: number;
}): Promise<{ host: string; port: number } | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error));
    server.listen({ ...wanted, exclusive: true }, () => {
      const { address, port } = server.address() as AddressInfo;
      server.close(() => resolve({ host: address, port }));
    });
  });
}

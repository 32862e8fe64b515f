import { createServer, type AddressInfo } from "node:net";
import { ServeError } from "../../core/errors";
import type { Listening } from "./worker-records";

/** A predecessor that was killed may hold the port for a moment. */
const BIND_FOR_MS = 2000;
const BIND_AGAIN_MS = 50;

/**
 * Finds out where HAProxy can listen: it tells neither which port the system chose nor, in words, who holds one. `before` is
 * the port that a process which has died had, for clients that know it.
 */
export async function reserve(wanted: { host: string; port: number }, before: number | null): Promise<Listening> {
  const giveUpAt = performance.now() + BIND_FOR_MS;
  for (;;) {
    const found = await tryListen({ host: wanted.host, port: before ?? wanted.port });
    if (!(found instanceof Error)) return { wanted, ...found };
    if (found.code !== "EADDRINUSE") throw notBindable(wanted, found);
    if (performance.now() > giveUpAt) throw inUse(wanted, found);
    await new Promise((resolve) => setTimeout(resolve, BIND_AGAIN_MS));
  }
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

function inUse({ host, port }: { host: string; port: number }, cause: unknown): ServeError {
  return new ServeError({
    code: "EndpointInUse",
    scope: "dataplane",
    retryable: true,
    reasons: [`Another process holds ${host}:${port}: end it, or set endpoint.port of the service to a free port.`],
    cause,
  });
}

function notBindable({ host, port }: { host: string; port: number }, cause: NodeJS.ErrnoException): ServeError {
  return new ServeError({
    code: "InvalidInput",
    scope: "dataplane",
    reasons: [
      `The load balancer cannot listen on ${host}:${port} (${cause.code}): set the service's endpoint to an address of this computer and a port that this user may open.`,
    ],
    cause,
  });
}

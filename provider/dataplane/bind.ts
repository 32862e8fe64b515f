import { ServeError } from "../core/errors";

/** A predecessor that was killed may hold the port for a moment. */
const BIND_FOR_MS = 2000;
const BIND_AGAIN_MS = 50;

/**
 * What `attempt` opened at the endpoint; its error is returned, not thrown. Throws EndpointInUse when somebody else holds the
 * port, and InvalidInput for what is no address of this computer.
 */
export async function bind<T>(
  endpoint: { host: string; port: number },
  attempt: () => Promise<T | NodeJS.ErrnoException>,
): Promise<T> {
  const giveUpAt = performance.now() + BIND_FOR_MS;
  for (;;) {
    const opened = await attempt();
    if (!(opened instanceof Error)) return opened;
    if (opened.code !== "EADDRINUSE") throw notBindable(endpoint, opened);
    if (performance.now() > giveUpAt) throw inUse(endpoint, opened);
    await new Promise((resolve) => setTimeout(resolve, BIND_AGAIN_MS));
  }
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

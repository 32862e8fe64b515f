import { createServer } from "node:net";
import { DataPlaneClient } from "../dataplane/client";
import { serviceFolder } from "../host/paths";

interface Endpoint {
  host: string;
  port: number;
}

/** What this service's own data plane listens on; null while none runs. */
export async function ownEndpoint(identity: string): Promise<Endpoint | null> {
  const dataplane = await DataPlaneClient.connect(serviceFolder(identity)).catch(() => null);
  if (dataplane === null) return null;
  try {
    return (await dataplane.observe()).endpoint;
  } catch {
    return null;
  } finally {
    dataplane.close();
  }
}

/** Why nobody can listen there; null when it is free. */
export function whyTaken({ host, port }: Endpoint): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code }: NodeJS.ErrnoException) => resolve(sentence(code ?? "", { host, port })));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function sentence(code: string, { host, port }: Endpoint): string {
  switch (code) {
    case "EADDRINUSE":
      return `${host}:${port} is held by another program: end it or give another port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is no address of this computer: leave \`host\` out for 127.0.0.1`;
    case "EACCES":
      return `this user may not listen on port ${port}: give one above 1023`;
    default:
      return `nothing can listen on ${host}:${port} (${code})`;
  }
}

import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { ask } from "../../dataplane/support/client";
import { until } from "../../dataplane/support/until";

export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A balancer that has no replica yet may keep a request for as long as it likes. */
const ASK_AGAIN_MS = 2000;

/** Waits until requests are answered there. */
export async function answers(port: number, name: string, withinMs = 30_000): Promise<void> {
  const isThere = () =>
    Promise.race([
      ask(port).then(
        ({ status }) => status === 200,
        () => false,
      ),
      setTimeout(ASK_AGAIN_MS, false),
    ]);
  await until(`${name} answers`, isThere, withinMs);
}

import { ask, RawClient } from "./client";
import type { EngineUnderTest } from "./engine";
import { startListening } from "./replica";
import { primaryOnly } from "./routing";
import { until } from "./until";

/**
 * Shuts an engine down that has an idle client and one with an open stream: it must wait for the stream alone. The function
 * that comes back lets the clients go.
 */
export async function shutDownMidstream(engine: EngineUnderTest): Promise<() => void> {
  let finish = (): void => undefined;
  const replica = await startListening((req, res) => {
    // An engine's health checks come here too.
    if (req.url !== "/stream") return void res.end();
    res.write("first");
    finish = () => res.end("last");
  });
  await engine.plane.apply(primaryOnly([replica]));
  const { port } = (await engine.plane.observe()).endpoint!;
  const [idle, stream] = [new RawClient(port), new RawClient(port)];
  stream.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
  await until("the stream began", () => stream.received.includes("first"));
  const over = engine.plane.shutdown(30);
  await until("it accepts nothing new", () =>
    ask(port).then(
      () => false,
      () => true,
    ),
  );
  finish();
  await over;
  await until("the stream ended whole", () => stream.received.endsWith("0\r\n\r\n"));
  return () => [idle, stream].forEach((client) => client.close());
}

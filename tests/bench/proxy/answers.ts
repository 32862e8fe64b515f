import { setTimeout } from "node:timers/promises";
import { ask } from "../../dataplane/support/client";
import { until } from "../../dataplane/support/until";

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

import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { freePort } from "../../../e2e/harness/free-port";
import { start } from "../../process";
import { answers } from "../answers";
import type { Start, Started } from "../contender";
import { pythonWith } from "../python-peer";

/** Both bring a dozen processes; the one with HAProxy writes its configuration first. */
const STARTS_WITHIN_MS = 120_000;

/**
 * Ray Serve 2.60. It carries requests to replicas of its own only: two that answer as our backends do. What its proxy alone
 * costs cannot be told from outside.
 */
export const rayServe: Start = () => startRay("ray serve", {});

/** The same behind the HAProxy that it brings, with one thread as ours. */
export const rayServeHaproxy: Start = () =>
  startRay("ray serve haproxy", { RAY_SERVE_ENABLE_HA_PROXY: "1", RAY_SERVE_HAPROXY_NBTHREAD: "1" });

async function startRay(name: string, env: Record<string, string>): Promise<Started> {
  const python = await pythonWith("ray[serve]==2.60").catch((error: Error) => error);
  if (python instanceof Error) return { name, unavailable: python.message };
  const port = await freePort();
  const ray = start(python, [join(__dirname, "../programs/ray_serve.py"), String(port)], {
    RAY_DISABLE_IMPORT_WARNING: "1",
    RAY_USAGE_STATS_ENABLED: "0",
    ...env,
  });
  const ready = async (): Promise<void> => {
    // It prints lines of its own before that.
    while ((await ray.line()) !== "ready");
    await answers(port, name, STARTS_WITHIN_MS);
  };
  const failure = await Promise.race([
    ready().then(
      () => null,
      (error: Error) => error.message,
    ),
    setTimeout(STARTS_WITHIN_MS, `it is not ready after ${STARTS_WITHIN_MS / 1000} s`, { ref: false }),
  ]);
  if (failure === null) return { name, port, pids: null, stop: () => ray.end() };
  await ray.stop();
  return { name, unavailable: failure };
}

import { join } from "node:path";
import { freePort } from "../../../e2e/harness/free-port";
import { start } from "../../process";
import type { Start } from "../contender";
import { pythonWith } from "../python-peer";

/**
 * Ray Serve 2.60 with its default proxy. It carries requests to replicas of its own only: two that answer as our backends
 * do. What its proxy alone costs cannot be told from outside.
 */
export const rayServe: Start = async () => {
  const name = "ray serve";
  const python = await pythonWith("ray[serve]==2.60").catch((error: Error) => error);
  if (python instanceof Error) return { name, unavailable: python.message };
  const port = await freePort();
  const ray = start(python, [join(__dirname, "../programs/ray_serve.py"), String(port)], {
    RAY_DISABLE_IMPORT_WARNING: "1",
    RAY_USAGE_STATS_ENABLED: "0",
  });
  // It prints lines of its own before that.
  while ((await ray.line()) !== "ready");
  return { name, port, pids: null, stop: () => ray.end() };
};

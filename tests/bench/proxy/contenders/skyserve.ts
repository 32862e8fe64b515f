import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { freePort } from "../../../e2e/harness/free-port";
import { start } from "../../process";
import type { Start } from "../contender";
import { answers } from "../answers";
import { pythonWith } from "../python-peer";

/** It asks its controller for the first time after 5 s, and its imports take as long. */
const STARTS_WITHIN_MS = 90_000;

/** The balancer of SkyPilot 0.14.1: its own class, and a controller that names our backends. */
export const skyserve: Start = async (backends) => {
  const name = "skyserve";
  const python = await pythonWith("skypilot==0.14.1").catch((error: Error) => error);
  if (python instanceof Error) return { name, unavailable: python.message };
  const replicas = Object.fromEntries(backends.map((port) => [`http://127.0.0.1:${port}`, {}]));
  const controller = createServer((req, res) => {
    req.resume().on("end", () => {
      res.setHeader("content-type", "application/json");
      res.end(JSON.stringify({ replica_info: replicas }));
    });
  });
  await once(controller.listen(0, "127.0.0.1"), "listening");
  const controllerUrl = `http://127.0.0.1:${(controller.address() as AddressInfo).port}`;
  const port = await freePort();
  const proxy = start(python, [join(__dirname, "../programs/skyserve.py"), controllerUrl, String(port)], {
    SKYPILOT_DISABLE_USAGE_COLLECTION: "1",
    SKYPILOT_MINIMIZE_LOGGING: "1",
  });
  const stop = async (): Promise<void> => {
    await proxy.stop();
    controller.closeAllConnections();
    await new Promise((resolve) => controller.close(resolve));
  };
  await answers(port, name, STARTS_WITHIN_MS).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { name, port, pids: [proxy.pid], stop };
};

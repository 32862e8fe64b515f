import { join } from "node:path";
import { startProgram } from "../../process";
import type { Start } from "../contender";

/** What one would write with undici's lowest interface. */
export const undici: Start = async (backends) => {
  const proxy = startProgram(join(__dirname, "../programs/undici.ts"), backends.map(String));
  const port = Number(await proxy.line());
  return { name: "undici", port, pids: [proxy.pid], stop: () => proxy.stop() };
};

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataPlaneClient, type startDataPlane } from "../../../provider/dataplane/client";
import { controlSocket } from "../../../provider/host/paths";
import type { EngineKind } from "../../../provider/core/spec/pool";
import type { DataPlane, DataPlaneReport } from "../../../provider/ports/dataplane";
import { endOrphans } from "../../../provider/dataplane/haproxy/worker-records";
import { compiled } from "../../agent/compiled";
import type { EngineUnderTest } from "./engine";
import { until } from "./until";

export interface ProcessUnderTest extends EngineUnderTest {
  plane: DataPlaneClient;
  pid: number;
}

/** That of the built package: from sources each start takes seconds of compiling. */
export function startBuilt(...args: Parameters<typeof startDataPlane>): number {
  const load = createRequire(__filename);
  const built = load(compiled("provider/dataplane/client.js")) as { startDataPlane: typeof startDataPlane };
  return built.startDataPlane(...args);
}

/** A data plane process with a service folder of its own. */
export async function startEngine(
  kind: EngineKind = "embedded",
  folder = mkdtempSync(join(tmpdir(), "dataplane-")),
  start: typeof startDataPlane = startBuilt,
): Promise<ProcessUnderTest> {
  const pid = start(folder, kind);
  let plane: DataPlaneClient | null = null;
  await until(
    "the data plane opened its control socket",
    async () => {
      plane = await DataPlaneClient.connect(folder).catch(() => null);
      return plane !== null;
    },
    15_000,
  );
  const connected = plane as unknown as DataPlaneClient;
  return {
    plane: connected,
    folder,
    pid,
    stop: async () => {
      connected.close();
      await kill(pid);
      endOrphans(folder);
      rmSync(controlSocket(folder), { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As `startEngine`, with so many workers, whatever the routing says. */
export async function startWorkers(workers: number): Promise<EngineUnderTest> {
  const engine = await startEngine("embedded");
  const { plane } = engine;
  const apply: DataPlane["apply"] = (desired, keyPair) =>
    plane.apply({ ...desired, balancer: { ...desired.balancer, workers } }, keyPair);
  const observe = (): Promise<DataPlaneReport> => plane.observe();
  const shutdown = (graceSeconds: number): Promise<void> => plane.shutdown(graceSeconds);
  return { ...engine, plane: { apply, observe, shutdown }, workers };
}

/** Processes that `pid` has started and that still run. */
export function childrenOf(pid: number): number[] {
  const parentOf = (id: string): number => {
    try {
      return Number(readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1]!.split(" ")[1]);
    } catch {
      return NaN;
    }
  };
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return all.filter((id) => parentOf(id) === pid && isRunning(Number(id))).map(Number);
}

export async function kill(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    return;
  }
  await until(`process ${pid} ended`, () => !isRunning(pid));
}

/**
 * False for zombies too: their parent may not have looked yet. But a zombie whose other threads are still ending holds its
 * sockets, and they take connections.
 */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8")) || readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

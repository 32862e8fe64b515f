import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RunningService } from "./running-service";
import type { Workspace } from "./workspace";

/** Everything of a destroyed project that is still there, each thing as a person would name it. */
export async function leftovers(workspace: Workspace, service: RunningService): Promise<string[]> {
  const services = join(workspace.env["XDG_STATE_HOME"]!, "pulumi-serve", "services");
  const stores = existsSync(services) ? readdirSync(services) : [];
  const { resources } = await workspace.exportedState();
  return [
    ...workspace.processes().map(({ pid, command }) => `process ${pid}: ${command}`),
    ...[service.places.socket].filter((socket) => existsSync(socket)).map((socket) => `socket ${socket}`),
    ...stores.map((store) => `store ${store}`),
    ...resources.filter(({ urn }) => !urn.includes("::pulumi:pulumi:Stack::")).map(({ urn }) => `resource ${urn}`),
  ];
}

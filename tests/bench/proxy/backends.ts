import { join } from "node:path";
import { programIn, serverFolders } from "../../../provider/host/on-path";
import { freePort } from "../../e2e/harness/free-port";
import { startProgram } from "../process";
import { startNginx } from "./nginx-process";

/** The replicas that all contenders carry requests to. */
export interface Backends {
  by: string;
  ports: number[];
  pids: number[];
  stop(): Promise<void>;
}

/** `events`: they are asked for event streams, which only ours know. For answers nginx, where there is one: it takes the least. */
export async function startBackends(kind: "answers" | "events"): Promise<Backends> {
  const nginx = programIn(serverFolders(), "nginx");
  return kind === "events" || nginx === null ? ownBackends() : byNginx(nginx);
}

async function ownBackends(): Promise<Backends> {
  const program = join(__dirname, "programs/backend.ts");
  const both = [startProgram(program), startProgram(program)];
  const ports: number[] = [];
  for (const each of both) ports.push(Number(await each.line()));
  return {
    by: "node",
    ports,
    pids: both.map(({ pid }) => pid),
    stop: async () => {
      for (const each of both) await each.stop();
    },
  };
}

/** One worker that listens twice. */
async function byNginx(binary: string): Promise<Backends> {
  const ports = [await freePort(), await freePort()];
  const { pid, stop } = await startNginx(
    binary,
    ports,
    `  keepalive_timeout 600s;
  default_type application/json;
  server {
${ports.map((port) => `    listen 127.0.0.1:${port};`).join("\n")}
    location / { return 200 "${"x".repeat(1024)}"; }
  }`,
  );
  return { by: "nginx", ports, pids: [pid], stop };
}

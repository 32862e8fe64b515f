import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programIn, serverFolders } from "../../../provider/host/on-path";
import { freePort } from "../../e2e/harness/free-port";
import { start, startProgram } from "../process";
import { answers } from "./answers";

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
async function byNginx(nginx: string): Promise<Backends> {
  const folder = mkdtempSync(join(tmpdir(), "bench-backends-"));
  const ports = [await freePort(), await freePort()];
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  default_type application/json;
  server {
${ports.map((port) => `    listen 127.0.0.1:${port};`).join("\n")}
    location / { return 200 "${"x".repeat(1024)}"; }
  }
}
`,
  );
  const server = start(nginx, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"]);
  for (const port of ports) await answers(port, "nginx");
  return {
    by: "nginx",
    ports,
    pids: [server.pid],
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "../process";
import { answers } from "./answers";

/** nginx with one worker that serves what `http` says, from a folder of its own that goes with it; it answers at `ports`. */
export async function startNginx(
  binary: string,
  ports: readonly number[],
  http: string,
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "bench-nginx-"));
  // Without a master process: what is killed is all that there is.
  const config = `daemon off;
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
${http}
}
`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const server = start(binary, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"]);
  for (const port of ports) await answers(port, "nginx");
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { pid: server.pid, stop };
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programIn, serverFolders } from "../../../../provider/host/on-path";
import { freePort } from "../../../e2e/harness/free-port";
import { start } from "../../process";
import type { Start } from "../contender";
import { answers } from "../answers";

/** nginx with one worker, buffering off as event streams need it. */
export const nginx: Start = async (backends) => {
  const binary = programIn(serverFolders(), "nginx");
  if (binary === null)
    return { name: "nginx", unavailable: "there is no `nginx` on PATH (apt-get install nginx-light)" };
  const folder = mkdtempSync(join(tmpdir(), "bench-nginx-"));
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), config(folder, port, backends));
  const proxy = start(binary, ["-p", folder, "-c", "nginx.conf", "-e", "stderr"]);
  await answers(port, "nginx");
  const stop = async (): Promise<void> => {
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name: "nginx", port, pids: [proxy.pid], stop };
};

/** Without a master process: what is killed is all that there is. */
function config(folder: string, port: number, backends: readonly number[]): string {
  return `daemon off;
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
  upstream replicas {
${backends.map((backend) => `    server 127.0.0.1:${backend};`).join("\n")}
    keepalive 1000;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_buffering off;
    }
  }
}
`;
}

import { programIn, serverFolders } from "../../../../provider/host/on-path";
import { freePort } from "../../../e2e/harness/free-port";
import type { Start } from "../contender";
import { startNginx } from "../nginx-process";

/** nginx with one worker, buffering off as event streams need it. */
export const nginx: Start = async (backends) => {
  const binary = programIn(serverFolders(), "nginx");
  if (binary === null)
    return { name: "nginx", unavailable: "there is no `nginx` on PATH (apt-get install nginx-light)" };
  const port = await freePort();
  const { pid, stop } = await startNginx(binary, [port], proxyTo(port, backends));
  return { name: "nginx", port, pids: [pid], stop };
};

function proxyTo(port: number, backends: readonly number[]): string {
  return `  upstream replicas {
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
  }`;
}

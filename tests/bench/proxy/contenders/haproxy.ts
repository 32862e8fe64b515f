import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findHaproxy } from "../../../../provider/dataplane/haproxy/binary";
import { freePort } from "../../../e2e/harness/free-port";
import { start } from "../../process";
import type { Start } from "../contender";
import { answers } from "../answers";

/** HAProxy by itself, with one thread and nothing of ours around it. */
export const haproxy: Start = async (backends) => {
  const found = findHaproxy();
  if (found.kind === "unusable") return { name: "haproxy", unavailable: found.reason };
  const folder = mkdtempSync(join(tmpdir(), "bench-haproxy-"));
  const port = await freePort();
  writeFileSync(join(folder, "haproxy.cfg"), config(port, backends));
  const proxy = start(found.path, ["-db", "-f", join(folder, "haproxy.cfg")]);
  await answers(port, "haproxy");
  const stop = async (): Promise<void> => {
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name: "haproxy", port, pids: [proxy.pid], stop };
};

function config(port: number, backends: readonly number[]): string {
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-no-delay
  option forwardfor
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
frontend front
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  http-reuse always
${backends.map((backend, at) => `  server backend-${at} 127.0.0.1:${backend}`).join("\n")}
`;
}

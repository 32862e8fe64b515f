import * as pulumi from "@pulumi/pulumi";
import * as serve from "pulumi-serve";

// Everything that differs between dev, staging and prod is in Pulumi.<stack>.yaml beside this file.
const config = new pulumi.Config("pulumi-serve");

const service = new serve.ServeService("chat", {
  target: serve.local({ cloudFile: config.get("cloudFile") }),
  endpoint: { port: config.getNumber("port") ?? 8080 },
  balancer: { engine: config.get<"embedded" | "haproxy">("engine") },
});

const pool = new serve.ReplicaPool("chat-model", {
  service,
  route: "/",
  template: {
    run: "exec node server.js",
    workdir: "./app",
    // A change here, or in a file of ./app, makes a new revision: the next `pulumi up` rolls it out.
    env: {
      MODEL: config.get("model") ?? "tiny-1",
      STREAM_SECONDS: config.get("streamSeconds") ?? "2",
      // pulumi config set --secret pulumi-serve:apiToken <token>; without one the server asks for none.
      API_TOKEN: config.getSecret("apiToken") ?? "",
    },
  },
  readiness: { path: "/health" },
  replicas: config.getNumber("replicas") ?? 4,
  bootSeconds: config.getNumber("bootSeconds"),
});

const rollout = new serve.Rollout("chat", {
  service,
  pools: [pool],
  // Any other way to move goes into the stack's config as JSON, such as { "kind": "blueGreen" }.
  strategy: config.getObject<serve.StrategyArgs>("strategy") ?? {
    maxSurgePercent: config.getNumber("maxSurgePercent") ?? 25,
  },
});

export const url = service.url;
export const primary = rollout.primaryRevision;

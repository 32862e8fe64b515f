import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { startAgent } from "../../provider/agent/start";
import { checkEvents } from "../../provider/core/check/check";
import { digest } from "../../provider/core/digest";
import type { Intent } from "../../provider/core/intent";
import type { UserConfigSpec } from "../../provider/core/spec/pool";
import type { State } from "../../provider/core/state";
import { SERVICE_TAG } from "../../provider/clouds/local";
import { updateCloudFile, type CloudFile } from "../../provider/clouds/local/cloud-file";
import { DataPlaneClient } from "../../provider/dataplane/client";
import { startTimeOf } from "../../provider/host/process-identity";
import { hashWorkdir, packWorkdir } from "../../provider/host/workdir";
import type { Store } from "../../provider/ports/store";
import { openFileStore } from "../../provider/store/file";
import { compiledAgent } from "./compiled";
import { redeclared } from "../controller/stored-service";
import { until } from "../controller/until";
import { freePort } from "../e2e/harness/free-port";
import { intentOf, poolSpec, redeclare } from "../simulation/intents";

const SERVER = `
const http = require("node:http");
let config = null;
http.createServer((request, response) => {
  if (request.url === "/config") return response.end(JSON.stringify({ pid: process.pid, config }));
  if (request.url !== "/reconfigure") return response.end(process.env.ANSWER);
  let body = "";
  request.on("data", (chunk) => (body += chunk)).on("end", () => {
    const wanted = JSON.parse(body);
    if (wanted.temperature > 1) return response.writeHead(422).end(wanted.token + ": temperature is above 1");
    config = wanted;
    response.end();
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

export interface LiveServiceOptions {
  replicas: number;
  bootSeconds?: number;
  /** None when it is left out. */
  userConfig?: LiveConfig;
}

/** What a replica of a live service can be told; it refuses a temperature above 1. */
export interface LiveConfig {
  temperature: number;
  token: string;
}

/** A real service: a real agent, balancer and replicas, started as a handler starts them, without Pulumi. */
export class LiveService {
  readonly url: string;

  private constructor(
    readonly store: Store,
    readonly folder: string,
    private readonly workdir: { folder: string; blob: string },
    private readonly uid: string,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async deploy(
    name: string,
    { replicas, bootSeconds = 0, userConfig }: LiveServiceOptions,
  ): Promise<LiveService> {
    const identity = `test/agent/${name}`;
    const store = openFileStore(identity);
    await store.create();
    const workdir = mkdtempSync(join(store.location, "source-"));
    writeFileSync(join(workdir, "server.js"), SERVER);
    const { hash: blob } = await hashWorkdir(workdir);
    await store.putBlob(blob, packWorkdir(workdir));
    const uid = randomUUID();
    const port = await freePort();
    const service = new LiveService(store, store.location, { folder: workdir, blob }, uid, port);
    await service.changeCloud({ bootSeconds });
    const intent: Intent = { ...intentOf([await service.spec("a", replicas, userConfig)]), identity, uid };
    intent.service.spec.endpoint.port = port;
    intent.service.spec.target.cloudFile = service.cloudFile;
    await store.writeIntent(0, intent);
    service.startAgent();
    return service;
  }

  /** For what is launched from now on. */
  async changeCloud(change: Partial<CloudFile>): Promise<void> {
    await updateCloudFile(this.cloudFile, (cloud) => ({ ...cloud, ...change }));
  }

  private get cloudFile(): string {
    return join(this.folder, "cloud.json");
  }

  /** Returns its pid; it ends quietly when there is an agent already. */
  startAgent(): number {
    return startAgent(this.folder, compiledAgent(this.folder));
  }

  /** Declares a revision as `pulumi up` does. */
  async declare(revision: string, replicas: number, userConfig?: LiveConfig): Promise<void> {
    const spec = await this.spec(revision, replicas, userConfig);
    await redeclared(this.store, (intent) => redeclare(intent, [spec]));
  }

  async state(): Promise<State | null> {
    return (await this.store.readState())?.value ?? null;
  }

  async untilServes(revision: string, replicas: number, seconds = 90): Promise<State> {
    return until(
      `${replicas} replicas of revision ${revision} serve`,
      async () => {
        const state = await this.state();
        const all = Object.values(state?.replicas ?? {});
        const right = all.filter((replica) => replica.status === "ready" && replica.revision === revision);
        const settled = state?.rollout === null && state.routing.inForce === state.routing.generation;
        return settled && right.length === replicas && all.length === replicas && state;
      },
      seconds,
      () => readFileSync(join(this.folder, "agent.log"), "utf8").slice(-2000),
    );
  }

  async answer(): Promise<string> {
    return (await fetch(this.url)).text();
  }

  /** Process and userConfig of every replica, by their own word. */
  async configs(): Promise<{ pid: number; config: LiveConfig | null }[]> {
    const replicas = Object.values((await this.state())?.replicas ?? {});
    return Promise.all(
      replicas.map(async ({ address }) => {
        const answer = await fetch(`http://${address!.host}:${address!.port}/config`);
        return (await answer.json()) as { pid: number; config: LiveConfig | null };
      }),
    );
  }

  async agentPid(): Promise<number> {
    return until("an agent", async () => {
      const lease = await this.store.readLease();
      return lease !== null && !lease.dead && lease.holder.pid;
    });
  }

  async dataPlanePid(): Promise<number> {
    return until("a data plane", async () => {
      try {
        const client = await DataPlaneClient.connect(this.folder);
        return (await client.observe().finally(() => client.close())).pid;
      } catch {
        return null;
      }
    });
  }

  /** Pids of the replicas' programs and of the shells that lead them, found by their tag alone. */
  replicaPids(): number[] {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && environmentOf(pid).includes(`${SERVICE_TAG}=${this.uid}`));
  }

  async brokenInvariants(): Promise<unknown[]> {
    return checkEvents(await this.store.readEvents(0)).verdicts.filter(({ violation }) => violation !== null);
  }

  /** Has everything ended as a destroy does, and by force what is left if that fails. */
  async destroy(): Promise<void> {
    try {
      if (await this.store.exists()) {
        await redeclared(this.store, (intent) => (intent.service.deleting = true));
        const lease = await this.store.readLease();
        if (lease === null || lease.dead) this.startAgent();
        await until("the service is gone", async () => !(await this.store.exists()), 20);
      }
    } finally {
      for (const pid of [...this.replicaPids(), ...ownProcesses(this.folder)]) kill(pid);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  private async spec(revision: string, replicas: number, config?: LiveConfig) {
    const envSecret = `env-${revision}`;
    await this.store.putSecret(envSecret, { ANSWER: revision });
    const userConfig = config === undefined ? null : await this.stored(config);
    return poolSpec("p", revision, replicas, {
      userConfig,
      specHash: `${revision}/${replicas}/${userConfig?.hash}`,
      launch: {
        setup: null,
        run: `exec ${process.execPath} server.js`,
        workdirBlob: this.workdir.blob,
        envSecret,
        port: 8000,
        resources: {},
      },
    });
  }

  private async stored(config: LiveConfig): Promise<UserConfigSpec> {
    const hash = digest(config);
    await this.store.putSecret(`config-${hash}`, config);
    const way = { path: "/reconfigure", method: "POST", timeoutSeconds: 5, onRefusal: "report" } as const;
    return { hash, secret: `config-${hash}`, ...way };
  }
}

/** Agents and data planes name their service's folder on their command line. */
export function ownProcesses(folder: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandOf(pid).includes(folder));
}

export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} is gone`, () => startTimeOf(pid) === null);
}

function environmentOf(pid: number): string {
  return readProc(pid, "environ");
}

function commandOf(pid: number): string {
  return readProc(pid, "cmdline");
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

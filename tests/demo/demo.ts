import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../e2e/harness/eventually";
import { freePort } from "../e2e/harness/free-port";
import { leftovers } from "../e2e/harness/leftovers";
import { kill } from "../e2e/harness/processes";
import { RunningService } from "../e2e/harness/running-service";
import type { Workspace } from "../e2e/harness/workspace";
import { Load } from "../load/load";
import { Census } from "./census";
import { rolloutTimes } from "./critical-path";
import { narrate } from "./narrator";
import type { DemoOptions } from "./options";
import type { DemoRun } from "./result";
import type { Terminal } from "./terminal";

/** Load before and after the rollout, so that the steady state is judged as well. */
const STEADY_MS = 4000;
const LONGEST_UP_SECONDS = 3600;

/** The main job, once: up, load, change, preview, rollout, a kill in its middle, check, destroy, count. */
export class Demo {
  readonly #service: RunningService;

  constructor(
    readonly workspace: Workspace,
    readonly options: DemoOptions,
    readonly terminal: Terminal,
  ) {
    this.#service = new RunningService(workspace, "chat");
  }

  async run(): Promise<DemoRun> {
    const { workspace, terminal, options } = this;
    await this.#configure();

    terminal.title("pulumi up: the service starts");
    await this.#up();
    const url = await workspace.output("url");
    terminal.line(`${url} answers: ${(await (await fetch(`${url}/generate`)).text()).trim()}`);

    terminal.title(`Load: ${options.clients} keep-alive clients, every third with streams of ${options.seconds} s`);
    const load = await Load.start({ url, clients: options.clients });
    await sleep(STEADY_MS);
    const { requests, troubles } = await load.progress();
    terminal.line(`${requests} requests so far, ${troubles} of them not answered as they should be`);

    terminal.title("The program changes: another model. What pulumi preview --diff says about it");
    await workspace.configure({ model: "tiny-2" });
    terminal.block((await workspace.must("preview", "--diff")).stdout);

    terminal.title("pulumi up: the rollout");
    const census = await this.#rollOut(load);
    await sleep(STEADY_MS);
    const report = await load.stop();
    for (const { outcome, ...record } of report.troubles) terminal.line(JSON.stringify({ ...outcome, ...record }));

    terminal.title("pulumi-serve check: the event log against the invariants");
    terminal.block((await workspace.mustServe("check", this.#service.identity)).stdout);
    const events = await this.#service.events();
    const { rolloutSeconds, criticalPathSeconds } = rolloutTimes(events, options.boot, options.seconds);
    const started = events.findLast((event) => event.kind === "rolloutStarted");
    const cap = Object.values(started?.kind === "rolloutStarted" ? started.cap : {}).reduce((sum, max) => sum + max, 0);

    terminal.title("pulumi destroy");
    await workspace.must("destroy", "--yes", "--skip-preview");
    const left = await leftovers(workspace, this.#service);
    for (const thing of left) terminal.line(`left over: ${thing}`);
    return {
      result: {
        requests: report.requests,
        failed: report.failed,
        streamsCut: report.streamsCut,
        streamsCutByKill: report.streamsCutByKill,
        peakReplicas: census.peakReplicas,
        cap,
        rolloutSeconds,
        criticalPathSeconds,
        leftovers: left.length,
      },
      readyMin: census.readyMin,
    };
  }

  async #configure(): Promise<void> {
    const { replicas, surge, boot, seconds, engine } = this.options;
    const cloudFile = this.workspace.writeCloud({ bootSeconds: boot });
    const port = await freePort();
    const values = {
      port,
      replicas,
      maxSurgePercent: surge,
      bootSeconds: boot,
      streamSeconds: seconds,
      cloudFile,
      engine,
    };
    await this.workspace.configure(values);
    this.terminal.line(
      `${replicas} replicas, surge ${surge} %, boot ${boot} s, engine ${engine}, endpoint http://127.0.0.1:${port}`,
    );
  }

  async #up(): Promise<void> {
    const onLine = (line: string): void => void (line.trim() !== "" && this.terminal.line(`| ${line}`));
    await this.workspace.mustUp({ onLine, seconds: LONGEST_UP_SECONDS });
  }

  /** `pulumi up` with the event log beside it and, unless told otherwise, one replica killed half-way. */
  async #rollOut(load: Load) {
    const { folder } = this.workspace;
    const census = new Census({ folder, state: () => this.#service.state() });
    census.start();
    const follower = this.#service.follow((event) => {
      const line = narrate(event);
      if (line !== null) this.terminal.line(line);
      if (event.kind === "rolloutStarted") census.watchCapacity();
      if (event.kind === "rolloutEnded") census.ignoreCapacity();
    });
    const up = this.workspace.up({ seconds: LONGEST_UP_SECONDS });
    const killed = this.options.kill ? this.#killOneInTheMiddle(load, census) : Promise.resolve();
    // A rollout that fails must not leave the wait for its middle as the error that people see.
    const [outcome] = await Promise.all([up, Promise.race([killed, up])]);
    await follower.stop();
    if (outcome.code !== 0) throw new Error(`pulumi up ended with code ${outcome.code}:\n${outcome.output}`);
    return census.stop();
  }

  async #killOneInTheMiddle(load: Load, census: Census): Promise<void> {
    await eventually("the rollout is half-way", () => this.#service.isHalfWay(), { seconds: 600, everyMs: 100 });
    const [replica] = await eventually("a replica has open streams", async () => {
      const { openStreams } = await load.progress();
      const state = await this.#service.state();
      const serving = Object.entries(openStreams).filter(([id]) => state?.replicas[id]?.status === "ready");
      return serving.sort(([, a], [, b]) => b - a)[0];
    });
    // From here on a loss is the world's doing, not ours.
    census.ignoreCapacity();
    const processes = this.#service.processesOfReplica(replica);
    load.replicaKilled(replica);
    for (const process_ of processes) kill(process_, "SIGKILL");
    this.terminal.line(
      `KILLED ${replica} (SIGKILL, pid ${processes.map(({ pid }) => pid).join(", ")}) with streams open`,
    );
  }
}

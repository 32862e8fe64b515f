import assert from "node:assert/strict";
import type { StrategyArgs } from "../../../sdk/strategy";
import { Load } from "../../load/load";
import type { LoadReport } from "../../load/report";
import type { RolloutProgress, State } from "../../../provider/core/state";
import { eventually } from "./eventually";
import { freePort } from "./free-port";
import { leftovers } from "./leftovers";
import { RunningService } from "./running-service";
import { Workspace } from "./workspace";

/** Small and quick: what a scenario needs to see a rollout of several steps in a few seconds. */
const QUICK = { replicas: 2, maxSurgePercent: 50, bootSeconds: 0.5, streamSeconds: 0.5 };

/** Some 200 requests a second: without a pause the load alone would keep half a core busy, for no other proof. */
export const PAUSE_MS = 20;

/** The quickstart, deployed for a test file: scenarios change it, look at it and hit it with load. */
export class Deployment {
  #model = 0;

  private constructor(
    readonly workspace: Workspace,
    readonly service: RunningService,
    readonly url: string,
    readonly port: number,
  ) {}

  /** A workspace whose config is set; nothing is up yet. */
  static async prepare(values: Partial<typeof QUICK> = {}): Promise<Deployment> {
    const { bootSeconds, ...rest } = { ...QUICK, ...values };
    const workspace = (await Workspace.create()).precompile();
    const port = await freePort();
    const cloudFile = workspace.writeCloud({ bootSeconds });
    await workspace.configure({ ...rest, port, cloudFile, bootSeconds });
    return new Deployment(workspace, new RunningService(workspace, "chat"), `http://127.0.0.1:${port}`, port);
  }

  static async up(values: Partial<typeof QUICK> = {}): Promise<Deployment> {
    const deployment = await Deployment.prepare(values);
    try {
      await deployment.workspace.mustUp();
      return deployment;
    } catch (error) {
      await deployment.dispose();
      throw error;
    }
  }

  /** Changes the template, so that the next `up` has something to roll out, maybe in another way. Returns the new model's name. */
  async changeTemplate(strategy?: StrategyArgs): Promise<string> {
    const model = `tiny-${++this.#model + 1}`;
    await this.workspace.configure({ model, ...(strategy && { strategy: JSON.stringify(strategy) }) });
    return model;
  }

  /** Another way to move, from the next `up` on. */
  async useStrategy(strategy: StrategyArgs): Promise<void> {
    await this.workspace.configure({ strategy: JSON.stringify(strategy) });
  }

  /** Runs `work` while 9 clients call; returns how that went for them. */
  async underLoad(work: (load: Load) => Promise<void>): Promise<LoadReport> {
    const load = await Load.start({ url: this.url, clients: 9, pauseMs: PAUSE_MS });
    try {
      await this.#requests(load, 50);
      await work(load);
      // What was changed last must have been tried by somebody before anybody says that it works.
      await this.#requests(load, (await load.progress()).requests + 50);
      return await load.stop();
    } finally {
      load.kill();
    }
  }

  /** Waits until the rollout of the running `up` is half-way. */
  async halfWay(): Promise<void> {
    await eventually("the rollout is half-way", () => this.service.isHalfWay(), { seconds: 60, everyMs: 30 });
  }

  /** Waits until the rollout of the running `up` is where this holds. */
  async during(what: string, holds: (rollout: RolloutProgress, state: State) => boolean): Promise<void> {
    const look = async (): Promise<boolean> => {
      const state = await this.service.state();
      return state !== null && state.rollout !== null && holds(state.rollout, state);
    };
    await eventually(what, look, { seconds: 60, everyMs: 20 });
  }

  /** Which model answers now, or which one does for requests that name a version. */
  async servedModel(version?: "primary" | "canary"): Promise<string> {
    const headers: Record<string, string> = version === undefined ? {} : { "x-pulumi-serve-version": version };
    const response = await fetch(`${this.url}/generate`, { headers });
    return ((await response.json()) as { model: string }).model;
  }

  /** The state of affairs that every scenario must end with, whatever was killed in it. */
  async assertSound(): Promise<void> {
    await this.service.rolloutIsOver();
    const check = await this.workspace.serve("check", this.service.identity);
    assert.equal(check.code, 0, check.output);
    await eventually("agent and data plane run, once each", () => {
      return this.service.agents().length === 1 && this.service.dataPlanes().length === 1;
    });
    await eventually("every replica process belongs to the state", async () => {
      const known = Object.keys((await this.service.state())?.replicas ?? {});
      const running = this.workspace.processes().map(({ env }) => env["PULUMI_SERVE_REPLICA"]);
      return running.every((replica) => replica === undefined || known.includes(replica));
    });
    const leaking = this.workspace.processes().filter(({ env }) => "PULUMI_CONFIG_PASSPHRASE" in env);
    const names = leaking.map(({ pid, command }) => `${pid}: ${command}`);
    assert.deepEqual(names, [], "no process that stays may know the passphrase");
  }

  async assertNothingLeft(): Promise<void> {
    assert.deepEqual(await leftovers(this.workspace, this.service), []);
  }

  dispose(): Promise<void> {
    return this.workspace.dispose();
  }

  async #requests(load: Load, count: number): Promise<void> {
    await eventually(`${count} requests`, async () => (await load.progress()).requests >= count);
  }
}

/** Nothing failed, nothing was cut. The report's own account of what went wrong makes the message. */
export function assertUnharmed({ failed, streamsCut, streamsCutByKill, troubles }: LoadReport): void {
  assert.deepEqual(
    { failed, streamsCut, streamsCutByKill, troubles },
    {
      failed: 0,
      streamsCut: 0,
      streamsCutByKill: 0,
      troubles: [],
    },
  );
}

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "../../load/load";
import { assertUnharmed, type Deployment } from "./deployment";
import { eventually } from "./eventually";
import { kill } from "./processes";

/** A rollout of the quick deployment takes about this long; a moment is a share of it. */
const ROLLOUT_MS = 5000;

/** `kill -9` of the CLI; the user's way back is `pulumi cancel`, then `up`. */
export async function killCli(deployment: Deployment, moment: number): Promise<void> {
  const { workspace } = deployment;
  const model = await deployment.changeTemplate();
  const report = await deployment.underLoad(async () => {
    const up = workspace.start(["up", "--yes", "--skip-preview"]);
    await rolloutMoment(deployment, moment);
    await workspace.killCli(up);
    await workspace.must("cancel", "--yes");
    await workspace.mustUp();
  });
  assertUnharmed(report);
  await assertServes(deployment, model);
}

export async function killAgent(deployment: Deployment, moment: number): Promise<void> {
  const model = await deployment.changeTemplate();
  const report = await rolloutWith(deployment, moment, () => deployment.service.killAgent());
  assertUnharmed(report);
  await assertServes(deployment, model);
}

/** Established connections break with it. New requests work within a second, and the rollout goes on. */
export async function killDataPlane(deployment: Deployment, moment: number): Promise<void> {
  const model = await deployment.changeTemplate();
  let killedAt = 0;
  const report = await rolloutWith(deployment, moment, () => {
    killedAt = Date.now();
    deployment.service.killDataPlane();
  });
  const late = report.troubles.filter(({ start, end }) => end < killedAt || start > killedAt + 1000);
  assert.deepEqual(late, [], "a request that began a second after the kill, or ended before it, must not fail");
  await assertServes(deployment, model);
}

/** The replica with the most open streams: those are cut visibly, and nothing else may fail. */
export async function killReplica(deployment: Deployment, moment: number): Promise<void> {
  const model = await deployment.changeTemplate();
  const report = await rolloutWith(deployment, moment, async (load) => {
    const [replica] = await eventually("a replica has open streams", async () => {
      const { openStreams } = await load.progress();
      return Object.entries(openStreams).sort(([, a], [, b]) => b - a)[0];
    });
    const processes = deployment.service.processesOfReplica(replica);
    load.replicaKilled(replica);
    for (const process_ of processes) kill(process_, "SIGKILL");
  });
  const { failed, streamsCut, troubles } = report;
  const others = troubles.filter(({ outcome }) => outcome.kind === "failed");
  assert.deepEqual({ failed, streamsCut, others }, { failed: 0, streamsCut: 0, others: [] });
  await assertServes(deployment, model);
}

async function rolloutWith(deployment: Deployment, moment: number, act: (load: Load) => void | Promise<void>) {
  return deployment.underLoad(async (load) => {
    const up = deployment.workspace.up();
    await rolloutMoment(deployment, moment);
    await act(load);
    const { code, output } = await up;
    assert.equal(code, 0, output);
  });
}

/** Waits until a rollout runs and this share of its usual time has passed. */
async function rolloutMoment(deployment: Deployment, moment: number): Promise<void> {
  const running = async () => (await deployment.service.state())?.rollout ?? null;
  await eventually("the rollout has begun", running, { seconds: 60, everyMs: 20 });
  // Not a wait for a condition: the moment itself is what is tried out.
  await sleep(moment * ROLLOUT_MS);
}

async function assertServes(deployment: Deployment, model: string): Promise<void> {
  await deployment.assertSound();
  assert.equal(await deployment.servedModel(), model);
}

import { openTargets } from "../clouds";
import { toBeat } from "../core/beat";
import { Controller, type Ending } from "../controller/controller";
import { HeldLease } from "../controller/lease";
import { httpConfigurer } from "../configurer";
import { computerId } from "../host/computer";
import { allowedEnvironment } from "../host/child";
import { createGateRunner } from "../gate-runner";
import { systemClock } from "../host/clock";
import { ownIdentity } from "../host/process-identity";
import { createHttpProber, type ProbeSecret } from "../prober";
import { openFileStoreAt } from "../store/file";
import { WatchedDataPlane } from "./data-plane-watch";
import { agentReporter } from "./log";
import { packageVersion } from "./program";
import { agentLog, startAgent } from "./start";
import { takeWantedAgent, type WantedAgent } from "./wanted";

const LOOK_FOR_WANTED_MS = 1_000;

/**
 * The agent of one service, from taking the lease to giving it up. Throws LeaseHeld when there is an agent.
 *
 * Whoever ends without a goodbye is started again by the data plane. So a goodbye is said only where somebody else takes
 * over, or where there is nothing left to look after.
 */
export async function runAgent(serviceFolder: string): Promise<Ending> {
  const reporter = agentReporter(agentLog(serviceFolder));
  const store = openFileStoreAt(serviceFolder, { warn: (sentence) => reporter.warn(sentence) });
  process.title = `pulumi-serve agent ${store.identity}`;
  const { value: intent } = await store.readIntent();

  let controller: Controller | null = null;
  const fenced = () => controller?.stop({ kind: "fenced" });
  const version = packageVersion();
  const holder = { ...ownIdentity(), computer: computerId(), packageVersion: version };
  const lease = await HeldLease.acquire(store, holder, reporter, fenced);
  reporter.info(`agent ${version} of ${store.identity} acts with epoch ${lease.epoch} as process ${process.pid}`);

  const dataplane = new WatchedDataPlane({
    serviceFolder,
    epoch: lease.epoch,
    engine: intent.service.spec.balancer.engine ?? "embedded",
    revive: {
      command: process.execPath,
      args: [...process.execArgv, process.argv[1]!, serviceFolder],
      env: allowedEnvironment(),
    },
    reporter,
    onChange: () => controller?.lookNow(),
    onStale: fenced,
  });
  const prober = createHttpProber({
    clock: systemClock,
    secrets: async (ref) => (await store.getSecret(ref)) as ProbeSecret,
  });
  const cloud = openTargets({
    serviceFolder,
    service: intent.identity,
    uid: intent.uid,
    targets: intent.service.spec,
    warn: (sentence) => reporter.warn(sentence),
  });
  const parts = { store, cloud, dataplane, prober, configurer: httpConfigurer, gateRunner: createGateRunner() };
  controller = new Controller({ ...parts, clock: systemClock, reporter }, lease.epoch, version);

  let successor: WantedAgent | null = null;
  let lookForWanted: NodeJS.Timeout;
  const lookLater = () => (lookForWanted = setTimeout(() => void look(), toBeat(Date.now(), LOOK_FOR_WANTED_MS)));
  const look = async () => {
    const wanted = await takeWantedAgent(serviceFolder, version);
    if (wanted === null) return lookLater();
    reporter.info(`version ${wanted.packageVersion} is wanted and takes over`);
    successor = wanted;
    return controller.stop({ kind: "stopped" });
  };
  lookLater();
  const onSignal = () => controller.stop({ kind: "stopped" });
  process.once("SIGTERM", onSignal);

  const ending = await controller.run();

  clearTimeout(lookForWanted!);
  prober.close();
  reporter.info(`agent of epoch ${lease.epoch} ends: ${ending.kind}`);
  switch (ending.kind) {
    case "dissolved":
    case "fenced":
      lease.stop();
      break;
    case "storeGone":
      lease.stop();
      await dataplane.goodbye();
      break;
    case "stopped":
      await lease.release();
      if (successor !== null) {
        await dataplane.goodbye();
        startAgent(serviceFolder, successor);
      }
      break;
  }
  dataplane.close();
  return ending;
}

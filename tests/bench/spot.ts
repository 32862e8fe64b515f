import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { giveNotice, killReplica } from "../../provider/clouds/local";
import type { ServeEvent } from "../../provider/core/events";
import type { Replica } from "../../provider/core/state";
import { Deployment } from "../e2e/harness/deployment";
import { eventually } from "../e2e/harness/eventually";

const KILLS = 20;
const NOTICES = 20;
/** Long enough for a stream to end, as a cloud's notice is. */
const NOTICE_MS = 5_000;
const REPLICAS = 4;
const LONGEST_PAUSE_MS = 2_000;
const SPOT = "graceSeconds: 0, cautionSeconds: 0, numOverprovision: 1";

interface Strike {
  kind: "kill" | "notice";
  replica: string;
  at: number;
}

interface Times {
  unroutedMs: number;
  replacedMs: number;
}

/** Hard kills and notices at random under load, on the local target: what they cost the callers, and how soon each is answered. */
export async function benchSpot(json: boolean): Promise<void> {
  const deployment = await Deployment.prepare({ replicas: REPLICAS, bootSeconds: 0 });
  try {
    deployment.workspace.replace("index.ts", "  bootSeconds:", `  capacity: { spot: { ${SPOT} } },\n  bootSeconds:`);
    await deployment.workspace.mustUp();
    const strikes: Strike[] = [];
    const report = await deployment.underLoad(async (load) => {
      for (const kind of inRandomOrder()) {
        const replica = await someSpotReplica(deployment);
        if (kind === "kill") load.replicaKilled(replica);
        const next = (await deployment.service.events()).length;
        strikes.push({ kind, replica, at: Date.now() });
        await strike(deployment, kind, replica);
        await answered(deployment, strikes.at(-1)!, next);
        await sleep(Math.random() * LONGEST_PAUSE_MS);
      }
    });
    const events = await deployment.service.events();
    const times = (kind: Strike["kind"]) =>
      strikes.filter((each) => each.kind === kind).map((each) => timesOf(each, events)!);
    const { requests, failed, streamsCut, streamsCutByKill } = report;
    const kills = summary(times("kill"));
    const notices = summary(times("notice"));
    // On a busy computer each of them waits for the processor as well, and for the disk on which it is first written down.
    const loadAverage = loadavg()[0]!;
    print({ requests, failed, streamsCut, streamsCutByKill, kills, notices, loadAverage }, json);
    await deployment.assertSound();
  } finally {
    await deployment.dispose();
  }
}

function inRandomOrder(): Strike["kind"][] {
  const kinds = [...Array<"kill">(KILLS).fill("kill"), ...Array<"notice">(NOTICES).fill("notice")];
  return kinds
    .map((kind) => ({ kind, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
}

/** Of a service that is whole, so that each strike is answered for itself. */
function someSpotReplica(deployment: Deployment): Promise<string> {
  return eventually("enough replicas are ready, spot ones among them", async () => {
    const replicas = Object.values((await deployment.service.state())?.replicas ?? {}).filter(isReady);
    const spot = replicas.filter(({ market }) => market === "spot");
    return replicas.length >= REPLICAS && spot[Math.floor(Math.random() * spot.length)]?.id;
  });
}

function isReady({ status, noticedUntil }: Replica): boolean {
  return status === "ready" && noticedUntil === null;
}

async function strike(deployment: Deployment, kind: Strike["kind"], replica: string): Promise<void> {
  const { service, workspace } = deployment;
  if (kind === "kill") await killReplica(service.places.folder, replica);
  else await giveNotice(`${workspace.folder}/cloud.json`, replica, Date.now() + NOTICE_MS);
}

/** Reads on from `next`: all of the log again and again would take the processor from those who are timed. */
async function answered(deployment: Deployment, strike: Strike, next: number): Promise<void> {
  await eventually(`the ${strike.kind} of ${strike.replica} is answered`, async () =>
    timesOf(strike, await deployment.service.events(next)),
  );
}

/** By the log: the routing without it in force, and the first launch after it. Null: not yet. */
function timesOf({ replica, at }: Strike, events: readonly ServeEvent[]): Times | null {
  const after = events.filter((event) => event.at >= at);
  const routed = after.find(
    (event) => event.kind === "routed" && !JSON.stringify(servingIn(event)).includes(`"${replica}"`),
  );
  const inForce = routed && after.find((event) => event.kind === "routeInForce" && event.seq > routed.seq);
  const launch = after.find((event) => event.kind === "replicaLaunching");
  return inForce && launch ? { unroutedMs: inForce.at - at, replacedMs: launch.at - at } : null;
}

function servingIn({ pools }: Extract<ServeEvent, { kind: "routed" }>): string[] {
  return Object.values(pools).flatMap(({ primary, canary }) => [
    ...(primary?.replicas ?? []),
    ...(canary?.replicas ?? []),
  ]);
}

interface Summary {
  count: number;
  unroutedMs: { median: number; max: number };
  replacedMs: { median: number; max: number };
}

function summary(times: readonly Times[]): Summary {
  const of = (name: keyof Times) => {
    const sorted = times.map((each) => each[name]).sort((a, b) => a - b);
    return { median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! };
  };
  return { count: times.length, unroutedMs: of("unroutedMs"), replacedMs: of("replacedMs") };
}

function print(found: Record<string, number | Summary>, json: boolean): void {
  if (json) return void process.stdout.write(`${JSON.stringify(found)}\n`);
  for (const [name, value] of Object.entries(found)) process.stdout.write(`${name}: ${JSON.stringify(value)}\n`);
}

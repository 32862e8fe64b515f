import { money } from "./cost";
import { ago, duration } from "./duration";
import { poolLines } from "./pool";
import { rolloutLines } from "./rollout-text";
import { namesOf, type Names } from "./names";
import type { ReplicaView } from "./replica";
import type { ServiceView } from "./service";
import { table } from "./table";

const DASH = "-";
/** So many replicas are named before the rest is a number. */
const NAMED = 5;

/** Both tables in SkyServe's columns, then whatever a person should know besides. */
export function statusText(services: readonly ServiceView[]): string {
  const names = namesOf(services);
  const sections = [
    "Services",
    table(
      [...names.head("NAME"), "VERSION", "UPTIME", "STATUS", "REPLICAS", "ENDPOINT"],
      services.map((service) => [
        ...names.cells(service),
        String(service.version ?? DASH),
        service.uptimeSeconds === null ? DASH : duration(service.uptimeSeconds),
        service.status,
        `${service.readyReplicas}/${service.totalReplicas}`,
        service.endpoint,
      ]),
    ),
    "",
    "Service Replicas",
    table(
      [...names.head("SERVICE_NAME"), "ID", "VERSION", "ENDPOINT", "LAUNCHED", "RESOURCES", "STATUS", "REGION"],
      services.flatMap((service) =>
        service.replicas.map((replica) => [
          ...names.cells(service),
          replica.id,
          String(replica.version ?? DASH),
          replica.endpoint ?? DASH,
          ago(replica.launchedSecondsAgo),
          replica.resources,
          replica.status,
          replica.region ?? DASH,
        ]),
      ),
    ),
    ...queueTable(services, names),
    ...trafficTable(services, names),
    ...keptTable(services, names),
  ];
  const notes = services.flatMap((service) => notesOf(service, names.prefix(service)));
  if (notes.length > 0) sections.push("", ...notes);
  return sections.join("\n");
}

function queueTable(services: readonly ServiceView[], names: Names): string[] {
  const rows = services.flatMap((service) =>
    service.queues.map(({ pool, inFlight, queued, maxQueue, rejected }) => [
      ...names.cells(service),
      pool,
      String(inFlight ?? DASH),
      `${queued}/${maxQueue}`,
      String(rejected),
    ]),
  );
  if (rows.length === 0) return [];
  return ["", "Requests now", table([...names.head("SERVICE_NAME"), "POOL", "IN_FLIGHT", "QUEUED", "REFUSED"], rows)];
}

function trafficTable(services: readonly ServiceView[], names: Names): string[] {
  const rows = services.flatMap((service) =>
    service.traffic.map(({ pool, version, side, requests, ...of }) => [
      ...names.cells(service),
      pool,
      String(version ?? DASH),
      side,
      String(requests),
      of.errorPercent === null ? DASH : `${of.errorPercent.toFixed(2)} %`,
      milliseconds(of.p95Milliseconds),
      milliseconds(of.firstByteP95Milliseconds),
    ]),
  );
  if (rows.length === 0) return [];
  const head = [
    ...names.head("SERVICE_NAME"),
    "POOL",
    "VERSION",
    "SIDE",
    "REQUESTS",
    "ERRORS",
    "P95",
    "FIRST_BYTE_P95",
  ];
  return ["", "Requests since the balancer started", table(head, rows)];
}

function milliseconds(value: number | null): string {
  return value === null ? DASH : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function keptTable(services: readonly ServiceView[], names: Names): string[] {
  const rows = services.flatMap((service) =>
    service.keptVersions.map(({ version, replacedSecondsAgo, pools }) => [
      ...names.cells(service),
      String(version),
      ago(replacedSecondsAgo),
      Object.entries(pools)
        .map(([pool, { revision, replicas }]) => `${pool}=${replicas}x${revision}`)
        .join(" "),
    ]),
  );
  if (rows.length === 0) return [];
  return ["", "Kept Versions", table([...names.head("SERVICE_NAME"), "VERSION", "REPLACED", "POOLS"], rows)];
}

/** One line a reason: what keeps a hundred replicas from being ready is one thing to mend. */
function notReady(replicas: readonly ReplicaView[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { id, status, reason } of replicas) {
    if (reason === null || (status !== "STARTING" && status !== "NOT_READY")) continue;
    byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  }
  return [...byReason].map(([reason, ids]) => {
    const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "";
    return `Not ready: ${ids.slice(0, NAMED).join(", ")}${more}: ${reason}`;
  });
}

function notesOf(service: ServiceView, prefix: string): string[] {
  const notes: string[] = [];
  if (service.rollout !== null) notes.push(...rolloutLines(service.rollout));
  else if (service.lastOutcome !== null) {
    const { kind, rolloutId, startedAt, endedAt, reason } = service.lastOutcome;
    const took = duration((endedAt - startedAt) / 1000);
    notes.push(`Last rollout (${rolloutId}): ${kind} after ${took}${reason === null ? "" : `: ${reason}`}`);
  }
  if (service.cost !== null) {
    // Nothing that grows with the clock: `--watch` prints what changed.
    notes.push(`Costs $${money(service.cost.total.perHour.paid)}/h; \`pulumi-serve cost\` has the bill.`);
  }
  notes.push(...service.pools.flatMap(poolLines));
  notes.push(...notReady(service.replicas));
  if (service.agent !== "alive") {
    notes.push("The agent is not running: start it with `pulumi-serve agent start`, or run `pulumi up`.");
  }
  if (service.balancer === "unreachable") notes.push("The balancer does not answer; the agent restarts it.");
  for (const { pool, message } of service.conditions) notes.push(pool === null ? message : `Pool ${pool}: ${message}`);
  // The very words of `pulumi up`, so that both tell one story.
  if (service.outlook?.kind === "failed") notes.push(...service.outlook.reasons);
  for (const { version, reason, declared } of service.rejected) {
    if (!declared) notes.push(`Version ${version} is rejected: ${reason}`);
  }
  return notes.map((note) => (note.startsWith("  ") ? note : `${prefix}: ${note}`));
}

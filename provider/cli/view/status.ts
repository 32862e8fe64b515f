import { ago, duration } from "./duration";
import type { RolloutView, ServiceView } from "./service";
import { table } from "./table";

const DASH = "-";

/** Both tables in SkyServe's columns, then whatever a person should know besides. */
export function statusText(services: readonly ServiceView[]): string {
  const sections = [
    "Services",
    table(
      ["NAME", "VERSION", "UPTIME", "STATUS", "REPLICAS", "ENDPOINT"],
      services.map((service) => [
        service.name,
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
      ["SERVICE_NAME", "ID", "VERSION", "ENDPOINT", "LAUNCHED", "RESOURCES", "STATUS", "REGION"],
      services.flatMap((service) =>
        service.replicas.map((replica) => [
          service.name,
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
  ];
  const notes = services.flatMap(notesOf);
  if (notes.length > 0) sections.push("", ...notes);
  return sections.join("\n");
}

function notesOf(service: ServiceView): string[] {
  const notes: string[] = [];
  if (service.rollout !== null) notes.push(...rolloutLines(service.rollout));
  else if (service.lastOutcome !== null) {
    const { kind, rolloutId, startedAt, endedAt, reason } = service.lastOutcome;
    const took = duration((endedAt - startedAt) / 1000);
    notes.push(`Last rollout (${rolloutId}): ${kind} after ${took}${reason === null ? "" : `: ${reason}`}`);
  }
  if (service.agent !== "alive") {
    notes.push("The agent is not running: start it with `pulumi-serve agent start`, or run `pulumi up`.");
  }
  if (service.balancer === "unreachable") notes.push("The balancer does not answer; the agent restarts it.");
  for (const { pool, message } of service.conditions) notes.push(pool === null ? message : `Pool ${pool}: ${message}`);
  for (const { version, reason } of service.rejected) notes.push(`Version ${version} is rejected: ${reason}`);
  return notes.map((note) => (note.startsWith("  ") ? note : `${service.name}: ${note}`));
}

/** One line for the step, one for each pool. */
export function rolloutLines(rollout: RolloutView): string[] {
  const { canary, primary } = rollout.weights;
  const heading =
    rollout.direction === "back" ? `rolling back (${rollout.reason ?? "no reason given"})` : "rolling out";
  return [
    `Rollout ${rollout.id}: ${heading}, step ${rollout.step}/${rollout.steps} (${rollout.kind}), ` +
      `${rollout.percent} %, traffic ${canary}:${primary} canary:primary, running for ${duration(rollout.seconds)}`,
    ...Object.entries(rollout.pools).map(
      ([pool, goal]) => `  ${pool}: ${goal.canary} canary + ${goal.primary} primary, at most ${goal.cap}`,
    ),
  ];
}

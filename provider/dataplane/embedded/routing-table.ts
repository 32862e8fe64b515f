import type { PoolLoad } from "../../core/observed";
import type { DesiredReplica, DesiredRoute, DesiredRouting, DesiredVersion } from "../../core/routing";
import type { DataPlaneReport } from "../../ports/dataplane";
import type { Revision } from "../../core/spec/pool";
import { Member } from "./member";
import { Route, type Version } from "./route";
import type { Role } from "./split";
import { SlowStart } from "../slow-start";
import { VersionCounts } from "../version-counts";

type Report = Pick<DataPlaneReport, "replicas" | "versions" | "routes" | "metrics"> & {
  pools: Record<string, PoolLoad>;
};

/** How often weights that change by themselves are looked at. */
const WEIGH_EVERY_MS = 100;
/** An agent at rest asks for a report every five seconds; one that has not for this long is dead, or hangs. */
const LOOKED_ON_MS = 12_000;

/** The routing in force. `set` works out the difference itself: members, splits and queues that stay are not touched. */
export class RoutingTable {
  /** Longest prefix first. */
  private routes: Route[] = [];
  private members = new Map<string, Member>();
  /** Out of the routing altogether, but with requests that still run. */
  private readonly departed = new Set<Member>();
  private readonly slowStart = new SlowStart();
  private weighing: NodeJS.Timeout | null = null;

  private lookedOnAt = Number.NEGATIVE_INFINITY;
  private readonly isLookedOn = (): boolean => performance.now() - this.lookedOnAt < LOOKED_ON_MS;

  /** Called when a request waits at a route that has no replica at all. */
  onWaiting: (() => void) | null = null;
  /** Made once: what a function can see where it is made lives on with it, such as the members of that moment. */
  private readonly waiting = (): void => this.onWaiting?.();
  private readonly weighAnew = (): void => {
    const weighed = this.slowStart.step(performance.now());
    if (weighed === null) this.stopWeighing();
    else this.weigh(weighed);
  };

  constructor(private readonly counts = new VersionCounts()) {}

  match(path: string): Route | null {
    for (const route of this.routes) if (route.matches(path)) return route;
    return null;
  }

  set(desired: DesiredRouting): void {
    const before = this.members;
    const members = new Map<string, Member>();
    const keep = (
      route: DesiredRoute,
      replica: DesiredReplica,
      revision: Revision | null,
      onRoom: (() => void) | null,
    ): Member => {
      const known = members.get(replica.id) ?? before.get(replica.id);
      const member = known?.isStill(replica, revision) ? known : new Member(replica, route.readiness, this.isLookedOn);
      member.health.setReadiness(route.readiness);
      member.onRoom = onRoom;
      member.owner = route.pool;
      member.serving = onRoom !== null;
      member.carries = replica.weight ?? 1;
      members.set(replica.id, member);
      return member;
    };

    const routes = desired.routes.map((wanted) => {
      const route =
        this.routes.find((existing) => existing.prefix === wanted.prefix) ??
        new Route(wanted.prefix, desired.balancer, this.waiting);
      const version = (role: Role, of: DesiredVersion | null): Version | null =>
        of && {
          role,
          revision: of.revision,
          weight: of.weight,
          turn: 0,
          members: of.replicas.map((replica) => {
            const member = keep(wanted, replica, of.revision, route.serveOne);
            member.revision = of.revision;
            member.counts = this.counts.of(wanted.pool, of.revision);
            return member;
          }),
        };
      for (const replica of wanted.draining) keep(wanted, replica, null, null);
      route.balancer = desired.balancer;
      route.pool = wanted.pool;
      route.wakeSeconds = wanted.wakeSeconds ?? null;
      route.setVersions(version("primary", wanted.primary), version("canary", wanted.canary));
      return route;
    });

    this.counts.set(desired.routes, performance.now());
    const gone = this.routes.filter((route) => !routes.includes(route));
    this.members = members;
    this.weigh(this.slowStart.put(desired, performance.now()));
    this.weighing ??= setInterval(this.weighAnew, WEIGH_EVERY_MS);
    this.routes = routes.sort((a, b) => b.prefix.length - a.prefix.length);
    for (const member of before.values()) if (members.get(member.desired.id) !== member) this.depart(member);
    for (const route of gone) route.setVersions(null, null);
    for (const route of routes) route.queue.serve();
  }

  /** The agent, which probes the replicas too, asks for a report. */
  lookedOn(): void {
    this.lookedOnAt = performance.now();
  }

  report(): Report {
    const report: Report = { replicas: {}, versions: this.counts.report(), routes: {}, metrics: {}, pools: {} };
    for (const { pool, arrivals, queue } of this.routes) {
      report.pools[pool] = { arrivals, inFlight: 0, queued: queue.size };
    }
    for (const member of [...this.members.values(), ...this.departed]) {
      const id = member.desired.id;
      const load = report.pools[member.owner];
      if (load !== undefined) load.inFlight += member.inFlight;
      const counted = report.replicas[id];
      if (counted !== undefined) {
        counted.inFlight += member.inFlight;
        continue;
      }
      // Requests wait at the route, not at a replica, so that the first one with room takes them.
      report.replicas[id] = { inFlight: member.inFlight, queued: 0, healthy: member.health.healthy };
      report.metrics[id] = structuredClone(member.metrics);
    }
    for (const route of this.routes) report.routes[route.prefix] = route.report();
    return report;
  }

  /** Ends all that would keep the process alive. */
  close(): void {
    this.stopWeighing();
    for (const member of [...this.members.values(), ...this.departed]) member.retire();
    this.members = new Map();
    this.departed.clear();
    this.routes = [];
  }

  private weigh({ routes }: DesiredRouting): void {
    for (const { primary, canary } of routes) {
      for (const { id, weight = 1 } of [...(primary?.replicas ?? []), ...(canary?.replicas ?? [])]) {
        this.members.get(id)!.weight = weight;
      }
    }
  }

  private stopWeighing(): void {
    if (this.weighing !== null) clearInterval(this.weighing);
    this.weighing = null;
  }

  private depart(member: Member): void {
    member.retire();
    if (member.inFlight === 0) return;
    this.departed.add(member);
    member.onRoom = () => {
      if (member.inFlight === 0) this.departed.delete(member);
    };
  }
}

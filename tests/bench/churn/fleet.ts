import { join } from "node:path";
import type { DesiredReplica, DesiredRoute } from "../../../provider/core/routing";
import { route, version } from "../../dataplane/support/routing";
import { startProgram, type BenchProcess } from "../process";

const PROGRAM = join(__dirname, "../proxy/programs/backend.ts");
const EVENTS_OF_A_STREAM = "10";
/** Ready replicas of the version that serves. */
export const SIZE = 3;

interface Server {
  process: BenchProcess;
  port: number;
}

interface Version {
  revision: string;
  members: DesiredReplica[];
}

/** The replicas of a service that is never the same for long. Many of them share one of a few real servers. */
export class Fleet {
  private readonly servers: Server[] = [];
  private primary: Version = { revision: revisionOf(0), members: [] };
  private canary: Version | null = null;
  private weight = 0;
  private draining: DesiredReplica[] = [];
  private named = 0;
  private rollouts = 0;

  static async start(): Promise<Fleet> {
    const fleet = new Fleet();
    for (let each = 0; each < SIZE; each += 1) fleet.servers.push(await startServer());
    for (let each = 0; each < SIZE; each += 1) fleet.grow();
    return fleet;
  }

  get ready(): DesiredReplica[] {
    return this.primary.members;
  }

  get drains(): readonly DesiredReplica[] {
    return this.draining;
  }

  route(): DesiredRoute {
    const { primary, canary, weight, draining } = this;
    return route({
      primary: version(canary === null ? 1 : 10 - weight, primary.members, primary.revision),
      canary: canary && version(weight, canary.members, canary.revision),
      draining,
    });
  }

  grow(): void {
    this.primary.members.push(this.replica());
  }

  shrink(): void {
    this.draining.push(this.primary.members.shift()!);
  }

  /** Those that have drained leave. */
  forget(idle: (id: string) => boolean): void {
    this.draining = this.draining.filter(({ id }) => !idle(id));
  }

  startRollout(): void {
    this.rollouts += 1;
    this.canary = { revision: revisionOf(this.rollouts), members: [this.replica(), this.replica()] };
    this.weight = 0;
  }

  /** A tenth more of the traffic to the new version; with the last one it is the one that serves. */
  shift(): void {
    this.weight += 1;
    if (this.weight < 10) return;
    this.draining.push(...this.primary.members);
    this.primary = this.canary!;
    this.canary = null;
    this.primary.members.push(this.replica());
  }

  /** A server dies with all replicas on it; `routed` puts in force that they are gone. New ones take their place. */
  async kill(routed: () => Promise<void>): Promise<void> {
    const dead = this.servers.shift()!;
    await dead.process.stop();
    const alive = ({ port }: DesiredReplica): boolean => port !== dead.port;
    this.draining = this.draining.filter(alive);
    const { members } = this.primary;
    this.primary.members = members.filter(alive);
    await routed();
    this.servers.push(await startServer());
    while (this.primary.members.length < members.length) this.grow();
    await routed();
  }

  async stop(): Promise<void> {
    for (const { process } of this.servers) await process.stop();
  }

  private replica(): DesiredReplica {
    this.named += 1;
    const { port } = this.servers[this.named % this.servers.length]!;
    return { id: `replica-${this.named}`, host: "127.0.0.1", port };
  }
}

async function startServer(): Promise<Server> {
  const process = startProgram(PROGRAM, [EVENTS_OF_A_STREAM]);
  return { process, port: Number(await process.line()) };
}

function revisionOf(rollout: number): string {
  return rollout.toString(16).padStart(16, "0");
}

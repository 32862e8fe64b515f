import { setTimeout as sleep } from "node:timers/promises";
import type { Verb } from "../../../provider/core/command";
import { giveCommand } from "../../../provider/core/declare";
import type { ServeEvent } from "../../../provider/core/events";
import type { State } from "../../../provider/core/state";
import { changeIntent } from "../../../provider/handlers/write-intent";
import { eventually } from "./eventually";
import { type FoundProcess, kill } from "./processes";
import { placesOf, type ServicePlaces } from "./service-places";
import type { Workspace } from "./workspace";

/** A deployed service, seen through its store and through the operating system; nothing here acts on it but `kill` and `tell`. */
export class RunningService {
  readonly identity: string;
  readonly places: ServicePlaces;

  constructor(
    readonly workspace: Workspace,
    name: string,
  ) {
    this.identity = `${workspace.projectName}/${workspace.stack}/${name}`;
    this.places = placesOf(workspace, this.identity);
  }

  /** Null before the service has a state. */
  async state(): Promise<State | null> {
    try {
      return (await this.places.store.readState())?.value ?? null;
    } catch {
      return null;
    }
  }

  events(from = 0): Promise<ServeEvent[]> {
    return this.places.store.readEvents(from);
  }

  /** Hands over each event from now on, in order, until stopped. */
  follow(listener: (event: ServeEvent) => void): { stop(): Promise<void> } {
    let stopped = false;
    const running = (async () => {
      let next = (await this.events()).length;
      for (;;) {
        const last = stopped;
        for (const event of await this.events(next)) {
          next = event.seq + 1;
          listener(event);
        }
        if (last) return;
        await sleep(100);
      }
    })();
    return {
      stop: () => {
        stopped = true;
        return running;
      },
    };
  }

  /** True while a rollout is between its first and its last replica. */
  async isHalfWay(): Promise<boolean> {
    const rollout = (await this.state())?.rollout ?? null;
    return rollout !== null && rollout.direction.kind === "forward" && rollout.cursor >= rollout.plan.length / 2;
  }

  /** Gives a command at once, where starting the CLI for it would take longer than the moment that it is meant for. */
  async tell(verb: Verb): Promise<void> {
    await changeIntent(this.places.store, (intent) => giveCommand(intent, verb));
  }

  async rolloutIsOver(seconds = 180): Promise<void> {
    await eventually("the rollout is over", async () => (await this.state())?.rollout === null, { seconds });
  }

  processesOfReplica(replica: string): FoundProcess[] {
    return this.workspace.processes().filter(({ env }) => env["PULUMI_SERVE_REPLICA"] === replica);
  }

  agents(): FoundProcess[] {
    return this.#runs(/provider\/agent\/main\.js|^pulumi-serve agent/);
  }

  dataPlanes(): FoundProcess[] {
    return this.#runs(/provider\/dataplane\/main\.js|^pulumi-serve data ?plane/);
  }

  killAgent(): void {
    for (const agent of this.agents()) kill(agent, "SIGKILL");
  }

  killDataPlane(): void {
    for (const dataPlane of this.dataPlanes()) kill(dataPlane, "SIGKILL");
  }

  /** By how they were started, or by the title that they have given themselves since. */
  #runs(main: RegExp): FoundProcess[] {
    return this.workspace.processes().filter(({ command }) => main.test(command));
  }
}

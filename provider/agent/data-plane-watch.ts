import { setTimeout as sleep } from "node:timers/promises";
import { ServeError, sentenceOf } from "../core/errors";
import type { DesiredRouting } from "../core/routing";
import type { EngineKind } from "../core/spec/pool";
import type { KeyPair } from "../core/spec/tls-input";
import { DataPlaneClient, startDataPlane } from "../dataplane/client";
import { servingProcess } from "../dataplane/persisted";
import type { ReviveCommand } from "../dataplane/protocol";
import { startTimeOf } from "../host/process-identity";
import { Pulse } from "../host/pulse";
import { signalProcess } from "../host/signal";
import type { DataPlane, DataPlaneReport } from "../ports/dataplane";
import type { Reporter } from "../ports/reporter";

const CONNECT_EVERY_MS = 20;
/** A data plane that lives but does not answer for this long is taken for stuck, and another one is tried. */
const START_TAKES_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

export interface WatchOptions {
  serviceFolder: string;
  epoch: number;
  engine: EngineKind;
  /** How the data plane starts us again when we are gone. */
  revive: ReviveCommand;
  reporter: Reporter;
  /** The connection came or went, or a pool without replicas is asked for one: the world is to be looked at again. */
  onChange: () => void;
  /** A newer agent has said hello: we must stop. */
  onStale: () => void;
}

/**
 * The data plane for as long as this agent lives, whichever process it is: when the control connection breaks, it is
 * started again and greeted again, and in between every call throws DataPlaneUnreachable.
 */
export class WatchedDataPlane implements DataPlane {
  private current: DataPlaneClient | null = null;
  private watching = true;

  constructor(private readonly options: WatchOptions) {
    void this.keepConnected();
  }

  apply(desired: DesiredRouting, keyPair?: KeyPair): Promise<void> {
    return this.reached().then((dataplane) => dataplane.apply(desired, keyPair));
  }

  observe(): Promise<DataPlaneReport> {
    return this.reached().then((dataplane) => dataplane.observe());
  }

  /** Fails while the data plane is being started: were it taken for gone, the one on its way would stay for ever. */
  async shutdown(graceSeconds: number): Promise<void> {
    const dataplane = await this.reached();
    this.watching = false;
    try {
      await dataplane.shutdown(graceSeconds);
    } catch (error) {
      this.watching = true;
      void this.keepConnected();
      throw error;
    }
  }

  /** We leave on purpose, and a successor is on its way. */
  async goodbye(): Promise<void> {
    this.watching = false;
    await this.current?.goodbye();
  }

  close(): void {
    this.watching = false;
    this.current?.close();
  }

  private reached(): Promise<DataPlaneClient> {
    if (this.current !== null) return Promise.resolve(this.current);
    return Promise.reject(
      new ServeError({
        code: "DataPlaneUnreachable",
        scope: "dataplane",
        retryable: true,
        reasons: [
          `The load balancer is being started: see ${this.options.serviceFolder}/dataplane.log if it stays so.`,
        ],
      }),
    );
  }

  private async keepConnected(): Promise<void> {
    const { epoch, revive, reporter, onChange, onStale } = this.options;
    for (let pause = FIRST_PAUSE_MS; this.watching; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const dataplane = (await this.connect()) ?? (await this.start());
        this.feelPulse(dataplane);
        await greeted(dataplane.hello(epoch, revive), dataplane);
        this.current = dataplane;
        dataplane.onDisconnect(() => this.lost());
        dataplane.onWaiting(onChange);
        onChange();
        return;
      } catch (error) {
        if (error instanceof ServeError && error.code === "StaleEpoch") return onStale();
        reporter.warn(`the load balancer does not come up: ${sentenceOf(error)}`);
        await sleep(pause);
      }
    }
  }

  private lost(): void {
    this.current = null;
    if (!this.watching) return;
    this.options.reporter.warn("the connection to the load balancer broke; it is started again");
    this.options.onChange();
    void this.keepConnected();
  }

  /** One that hangs is ended, which breaks the connection: from there on it is as if it had been killed. */
  private feelPulse(dataplane: DataPlaneClient): void {
    const { serviceFolder, epoch, revive, reporter } = this.options;
    const pulse = new Pulse({
      heard: () => dataplane.heard,
      ask: () => void dataplane.hello(epoch, revive).catch(() => undefined),
      onHung: (seconds) => {
        // By its start time as well: its pid may be another process's by now.
        const hung = servingProcess(serviceFolder);
        const words = `the load balancer has not answered for ${seconds} s`;
        if (hung === null) return reporter.warn(`${words}, and it is not known which process it is: end it yourself`);
        reporter.warn(`${words}: process ${hung.pid} is ended, and another one started`);
        signalProcess(hung, "SIGKILL");
      },
    });
    dataplane.onDisconnect(() => pulse.stop());
  }

  /** Null: nobody listens. */
  private async connect(): Promise<DataPlaneClient | null> {
    return DataPlaneClient.connect(this.options.serviceFolder).catch(() => null);
  }

  private async start(): Promise<DataPlaneClient> {
    const pid = startDataPlane(this.options.serviceFolder, this.options.engine);
    const deadline = Date.now() + START_TAKES_MS;
    while (this.watching && Date.now() < deadline) {
      const dataplane = await this.connect();
      if (dataplane !== null) return dataplane;
      if (startTimeOf(pid) === null) break;
      await sleep(CONNECT_EVERY_MS);
    }
    throw new ServeError({
      code: "DataPlaneUnreachable",
      scope: "dataplane",
      retryable: true,
      reasons: [`process ${pid} was started and does not answer; see ${this.options.serviceFolder}/dataplane.log`],
    });
  }
}

/** Without an answer this connection is of no use, and another one is tried. */
async function greeted(hello: Promise<void>, dataplane: DataPlaneClient): Promise<void> {
  try {
    await hello;
  } catch (error) {
    dataplane.close();
    throw error;
  }
}

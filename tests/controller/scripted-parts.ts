import type { LaunchRequest } from "../../provider/ports/cloud";
import type { ConfigRequest } from "../../provider/ports/configurer";
import type { Parts } from "../../provider/controller/parts";
import type { GateContent } from "../../provider/core/gate/external";
import type { ConfigAnswer, GateAnswer, ObservedVm } from "../../provider/core/observed";
import type { DesiredRouting } from "../../provider/core/routing";
import type { DataPlaneReport } from "../../provider/ports/dataplane";
import type { ProbeTarget } from "../../provider/ports/prober";
import type { Store } from "../../provider/ports/store";
import { systemClock } from "../../provider/host/clock";

/**
 * Everything around the controller but the store, told what to do by a test: replicas are ready as soon as they are
 * launched, and every call is written down in the order in which it came.
 */
export class ScriptedParts {
  readonly calls: string[] = [];
  readonly lines: string[] = [];
  readonly vms = new Map<string, ObservedVm>();
  routing: DesiredRouting | null = null;
  /** Awaited by each launch before it does anything. */
  beforeLaunch: (request: LaunchRequest) => Promise<void> = async () => undefined;
  beforeApply: () => Promise<void> = async () => undefined;
  /** How a replica answers to its userConfig. */
  answerToConfig: (request: ConfigRequest) => Promise<ConfigAnswer> = async ({ hash }) => ({
    hash,
    outcome: "acknowledged",
    reason: null,
  });
  /** How a command or a webhook answers. */
  answerOfGate: (gate: GateContent) => Promise<GateAnswer> = async () => ({ outcome: "passed", reason: "" });
  gatesClosed = false;
  private targets: ProbeTarget[] = [];
  private onChange: () => void = () => undefined;

  constructor(readonly store: Store) {}

  parts(): Parts {
    return {
      store: this.store,
      clock: systemClock,
      reporter: { info: (line) => this.lines.push(line), warn: (line) => this.lines.push(line) },
      prober: {
        watch: (targets) => {
          const known = new Set(this.targets.map(({ replicaId }) => replicaId));
          this.targets = targets;
          if (targets.some(({ replicaId }) => !known.has(replicaId))) setImmediate(() => this.onChange());
        },
        readings: () =>
          Object.fromEntries(
            this.targets.map(({ replicaId }) => [
              replicaId,
              { consecutiveSuccesses: 1, consecutiveFailures: 0, passingSince: systemClock.now(), lastError: null },
            ]),
          ),
        onChange: (listener) => (this.onChange = listener),
        close: () => undefined,
      },
      configurer: {
        send: async (request) => {
          this.calls.push(`reconfigure ${request.replicaId} ${JSON.stringify(request.config)}`);
          return this.answerToConfig(request);
        },
      },
      gateRunner: {
        run: async (gate, _timeoutSeconds, { percent }) => {
          this.calls.push(`gate ${gate.kind} ${percent}`);
          return this.answerOfGate(gate);
        },
        close: () => (this.gatesClosed = true),
      },
      dataplane: {
        apply: async (desired) => {
          await this.beforeApply();
          this.calls.push(`route ${desired.generation}`);
          this.routing = desired;
        },
        observe: async () => this.report(),
        shutdown: async () => void this.calls.push("shutdown"),
      },
      cloud: {
        launch: async (request) => {
          this.calls.push(`launch ${request.replicaId}`);
          await this.beforeLaunch(request);
          this.vms.set(request.replicaId, {
            replicaId: request.replicaId,
            state: "running",
            address: { host: "127.0.0.1", port: 1 },
            zone: "local-a",
            market: "onDemand",
            exit: null,
            restarts: 0,
          });
        },
        restart: async ({ replicaId, restarts }) => {
          this.calls.push(`restart ${replicaId} ${restarts}`);
          const vm = this.vms.get(replicaId)!;
          this.vms.set(replicaId, { ...vm, restarts: Math.max(vm.restarts, restarts) });
        },
        terminate: async ({ replicaId }) => {
          this.calls.push(`terminate ${replicaId}`);
          this.vms.delete(replicaId);
        },
        list: async () => [...this.vms.values()],
        describe: async (replicaId) => this.vms.get(replicaId) ?? null,
        notices: async () => [],
        offerings: async () => [],
        prices: async () => [],
        purge: async () => void this.calls.push("purge"),
        maintain: async () => undefined,
      },
    };
  }

  private report(): DataPlaneReport {
    return {
      generation: this.routing?.generation ?? 0,
      replicas: {},
      versions: {},
      pid: process.pid,
      startedAt: 0,
      endpoint: null,
      routes: {},
      metrics: {},
    };
  }
}

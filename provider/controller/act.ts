import type { Action } from "../core/action";
import { ServeError, sentenceOf, type ErrorCode } from "../core/errors";
import type { ExternalGate, GateContent, GateFacts } from "../core/gate/external";
import type { ConfigAnswer, GateAnswer, LaunchFailure, Observed } from "../core/observed";
import type { DesiredRouting } from "../core/routing";
import { machineOf } from "../core/spec/shape";
import type { KeyPair } from "../core/spec/tls-input";
import type { LaunchRequest } from "../ports/cloud";
import type { Parts } from "./parts";

/** How long a program gets to end by itself after SIGTERM; its requests were drained before. */
const TERMINATE_GRACE_SECONDS = 5;
/** An action that failed is tried again after this, doubled with each failure in a row. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Answers of gates are asked for as long as their step is the present one; those of older rollouts are of no use. */
const GATE_ANSWERS_KEPT = 100;

export type WorldAction = Exclude<Action, { kind: "dissolve" }>;

/**
 * Carries actions out beside the loop. One execution an action at a time: the same action is decided again at every
 * tick until its result is seen, and a slow launch must not be issued twice. Results come back as observations only.
 */
export class Executor {
  private readonly running = new Map<string, Promise<void>>();
  /** Ended while the present tick was looking, so that what it saw may be older than their result. */
  private readonly endedSinceLook = new Set<string>();
  private readonly paused = new Map<string, { until: number; pause: number }>();
  private failures: LaunchFailure[] = [];
  private readonly answers = new Map<string, ConfigAnswer>();
  private readonly verdicts = new Map<string, GateAnswer>();
  private routing: { code: ErrorCode; message: string } | null = null;
  private stopped = false;

  constructor(
    private readonly parts: Parts,
    private readonly epoch: number,
    /** An action ended: the world may have changed. */
    private readonly onEnd: () => void,
    /** The cloud or the data plane has seen a newer epoch: we must stop. */
    private readonly onStale: () => void,
  ) {}

  get busy(): boolean {
    return this.running.size > 0;
  }

  /** A tick begins to look: from here on results count as unseen. */
  beginLook(): void {
    this.endedSinceLook.clear();
  }

  /** Failed launches that no persisted tick has taken note of yet. */
  launchFailures(): LaunchFailure[] {
    return [...this.failures];
  }

  /** Why the last routing could not be put in force. */
  get routeError(): { code: ErrorCode; message: string } | null {
    return this.routing;
  }

  /** What replicas said to their userConfig, as far as no persisted tick has taken note of it yet. */
  configAnswers(): Record<string, ConfigAnswer> {
    return Object.fromEntries(this.answers);
  }

  /** What commands and webhooks said, by the key that they were asked under; a verdict is asked for once. */
  gateAnswers(): Record<string, GateAnswer> {
    return Object.fromEntries(this.verdicts);
  }

  /** These were in a tick that is persisted. */
  forget(noted: Pick<Observed, "launchErrors" | "reconfigured">): void {
    this.failures = this.failures.filter((failure) => !noted.launchErrors.includes(failure));
    for (const [id, answer] of Object.entries(noted.reconfigured)) {
      if (this.answers.get(id) === answer) this.answers.delete(id);
    }
  }

  start(actions: readonly WorldAction[]): void {
    this.forgetOldPauses();
    for (const action of actions) {
      const key = keyOf(action);
      if (this.stopped || this.running.has(key) || this.endedSinceLook.has(key) || this.isPaused(key)) continue;
      const execution = this.execute(action, key).finally(() => this.running.delete(key));
      this.running.set(key, execution);
    }
  }

  /** No further action begins; resolves when those under way have ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    // A command may run for minutes; its successor asks again.
    this.parts.gateRunner.close();
    await Promise.all(this.running.values());
  }

  private async execute(action: WorldAction, key: string): Promise<void> {
    try {
      await this.perform(action);
      this.endedSinceLook.add(key);
      this.paused.delete(key);
      if (action.kind === "route") this.routing = null;
    } catch (error) {
      this.failed(action, key, error);
    }
    setImmediate(this.onEnd);
  }

  private async perform(action: WorldAction): Promise<void> {
    const { cloud, dataplane } = this.parts;
    switch (action.kind) {
      case "launch":
        return cloud.launch({
          ...(await this.programOf(action)),
          market: action.market,
          zone: action.zone,
          resources: machineOf(action.spec.launch.resources, action.shape),
        });
      case "terminate":
        return cloud.terminate({
          replicaId: action.replicaId,
          epoch: this.epoch,
          graceSeconds: TERMINATE_GRACE_SECONDS,
        });
      case "route":
        return dataplane.apply(action.desired, await this.keyPairFor(action.desired));
      case "restart":
        return cloud.restart({
          ...(await this.programOf(action)),
          restarts: action.restarts,
          graceSeconds: TERMINATE_GRACE_SECONDS,
        });
      case "reconfigure":
        return this.reconfigure(action);
      case "runGate":
        return this.runGate(action);
    }
  }

  /** What runs on the VM; the secrets are read here and go nowhere else. */
  private async programOf({
    replicaId,
    pool,
    spec,
  }: Extract<WorldAction, { kind: "launch" | "restart" }>): Promise<
    Omit<LaunchRequest, "market" | "zone" | "resources">
  > {
    const { store } = this.parts;
    const { setup, run, workdirBlob, envSecret } = spec.launch;
    const env = envSecret === null ? {} : ((await store.getSecret(envSecret)) as Record<string, string>);
    const workdir = workdirBlob === null ? null : () => store.openBlob(workdirBlob);
    return { replicaId, epoch: this.epoch, pool, revision: spec.revision, setup, run, workdir, env };
  }

  private async keyPairFor({ balancer }: DesiredRouting): Promise<KeyPair | undefined> {
    if (balancer.tls === undefined) return undefined;
    return (await this.parts.store.getSecret(balancer.tls.secret)) as KeyPair;
  }

  private async reconfigure({
    replicaId,
    address,
    spec,
  }: Extract<WorldAction, { kind: "reconfigure" }>): Promise<void> {
    const { store, configurer } = this.parts;
    const { hash, secret, method, path, timeoutSeconds } = spec.userConfig!;
    const config = await store.getSecret(secret);
    const answer = await configurer.send({ replicaId, address, method, path, timeoutSeconds, hash, config });
    this.answers.set(replicaId, answer);
  }

  private async runGate({ key, gate, facts }: Extract<WorldAction, { kind: "runGate" }>): Promise<void> {
    const answer = await this.answerOf(gate, facts);
    this.verdicts.delete(key);
    this.verdicts.set(key, answer);
    const [oldest] = this.verdicts.keys();
    if (this.verdicts.size > GATE_ANSWERS_KEPT) this.verdicts.delete(oldest!);
    if (answer.outcome !== "unreachable") return;
    // No verdict: it is seen as such, and asked again after a pause.
    throw new ServeError({ code: "GateUnreachable", scope: "agent", retryable: true, reasons: [answer.reason] });
  }

  private async answerOf(gate: ExternalGate, facts: GateFacts): Promise<GateAnswer> {
    const { store, gateRunner } = this.parts;
    try {
      return await gateRunner.run((await store.getSecret(gate.secret)) as GateContent, gate.timeoutSeconds, facts);
    } catch (error) {
      return { outcome: "unreachable", reason: sentenceOf(error) };
    }
  }

  private failed(action: WorldAction, key: string, error: unknown): void {
    if (error instanceof ServeError && error.code === "StaleEpoch") {
      this.stopped = true;
      this.onStale();
      return;
    }
    const pause = Math.min((this.paused.get(key)?.pause ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
    this.paused.set(key, { until: this.parts.clock.now() + pause, pause });
    const message = sentenceOf(error);
    this.parts.reporter.warn(`${key} failed: ${message}`);
    const known = error instanceof ServeError ? error : null;
    switch (action.kind) {
      case "launch":
        this.failures.push({
          replicaId: action.replicaId,
          code: known?.code ?? "LaunchFailed",
          scope: known?.scope ?? "fatal",
          message,
        });
        break;
      case "route":
        this.routing = { code: known?.code ?? "DataPlaneUnreachable", message };
        break;
      case "restart":
      case "reconfigure":
      case "runGate":
      case "terminate":
        break;
    }
  }

  /**
   * A replica that is given up is never asked for again, and its pause would stay for ever. One that is longer than when
   * it began is of a clock that was put back since: it must not hold its action up until that clock is there again.
   */
  private forgetOldPauses(): void {
    const now = this.parts.clock.now();
    for (const [key, { until, pause }] of this.paused) {
      if (until < now - 10 * LONGEST_PAUSE_MS || until > now + pause) this.paused.delete(key);
    }
  }

  private isPaused(key: string): boolean {
    const paused = this.paused.get(key);
    return paused !== undefined && this.parts.clock.now() < paused.until;
  }
}

/** A newer routing must not overtake an older one on its way, so all routings share one key. */
function keyOf(action: WorldAction): string {
  switch (action.kind) {
    case "route":
      return "route";
    case "runGate":
      return `gate ${action.key}`;
    case "launch":
    case "restart":
    case "reconfigure":
    case "terminate":
      return `${action.kind} ${action.replicaId}`;
  }
}

import { toBeat } from "../core/beat";
import type { ProbeReading } from "../core/observed";
import type { Clock } from "../ports/clock";
import type { Prober, ProbeTarget } from "../ports/prober";
import { checkOnce, requestOf } from "../host/http-check";

/** What of a probe may be secret: it is read from the store when it is needed and kept nowhere else. */
export interface ProbeSecret {
  headers?: Record<string, string>;
  body?: string;
}

export interface HttpProberOptions {
  clock: Clock;
  /** Header values and body of a readiness spec's `requestSecret`. */
  secrets: (ref: string) => Promise<ProbeSecret>;
}

/** A refused connection costs next to nothing, and every tenth of a second of a boot counts. */
const STARTING_INTERVAL_SECONDS = 0.1;

export function createHttpProber({ clock, secrets }: HttpProberOptions): Prober {
  const watched = new Map<string, Watch>();
  const listeners = new Set<() => void>();
  const changed = () => listeners.forEach((listener) => listener());

  return {
    watch(targets) {
      const wanted = new Set(targets.map(({ replicaId }) => replicaId));
      for (const [id, watch] of watched) {
        if (wanted.has(id)) continue;
        watch.stop();
        watched.delete(id);
      }
      for (const target of targets) {
        const known = watched.get(target.replicaId);
        if (known) known.follow(target);
        else watched.set(target.replicaId, new Watch(target, clock, secrets, changed, () => watched.size));
      }
    },
    readings() {
      const readings: Record<string, ProbeReading> = {};
      for (const [id, { reading }] of watched) if (reading !== null) readings[id] = { ...reading };
      return readings;
    },
    onChange: (listener) => void listeners.add(listener),
    close() {
      for (const watch of watched.values()) watch.stop();
      watched.clear();
      listeners.clear();
    },
  };
}

/** One target: at most one probe at a time, the next one an interval after the last one began. */
class Watch {
  reading: ProbeReading | null = null;
  private timer: NodeJS.Timeout | null = null;
  private began = 0;
  private probing = false;
  private isStopped = false;
  private cancel: (() => void) | null = null;
  /** What a probe without secrets sends; null: the next one makes it. */
  private request: Buffer | null = null;

  constructor(
    private target: ProbeTarget,
    private readonly clock: Clock,
    private readonly secrets: HttpProberOptions["secrets"],
    private readonly changed: () => void,
    private readonly crowd: () => number,
  ) {
    this.schedule();
  }

  /** A light change of the probe, or a replica that became ready, keeps what was read so far. */
  follow(target: ProbeTarget): void {
    const before = this.intervalMs();
    const { address, readiness } = this.target;
    if (target.address !== address || target.readiness !== readiness) this.request = null;
    this.target = target;
    if (this.intervalMs() !== before && !this.probing) this.schedule();
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private intervalMs(): number {
    const { phase, readiness } = this.target;
    const seconds = readiness.intervalSeconds;
    return 1000 * (phase === "starting" ? Math.min(seconds, STARTING_INTERVAL_SECONDS) : seconds);
  }

  private schedule(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const now = this.clock.now();
    // An interval is at most what it says, even when the clock was set back meanwhile.
    const wait = Math.min(Math.max(0, this.began + this.intervalMs() - now), this.intervalMs());
    this.timer = setTimeout(() => void this.probe(), toBeat(now, wait, this.crowd()));
    this.timer.unref();
  }

  private async probe(): Promise<void> {
    this.probing = true;
    this.began = this.clock.now();
    const { requestSecret } = this.target.readiness;
    try {
      if (requestSecret === null) return this.ask(null);
      const secret = await this.secrets(requestSecret);
      if (!this.isStopped) this.ask(secret);
    } catch {
      this.answered("its secret headers or body cannot be read from the store");
    }
  }

  private ask(secret: ProbeSecret | null): void {
    const { address, readiness } = this.target;
    const { method, path, timeoutSeconds } = readiness;
    try {
      const request =
        secret === null
          ? (this.request ??= requestOf({ address, method, path }))
          : requestOf({ address, method, path, ...secret });
      this.cancel = checkOnce(address, request, timeoutSeconds, (failure) => this.answered(failure));
    } catch (error) {
      // A header value that HTTP does not allow: its text is secret, its kind is not.
      this.answered(`cannot be asked (${(error as NodeJS.ErrnoException).code ?? "invalid request"})`);
    }
  }

  private answered(failure: string | null): void {
    this.probing = false;
    if (this.isStopped) return;
    this.take(failure);
    this.schedule();
  }

  private take(failure: string | null): void {
    const { consecutiveSuccesses = 0, consecutiveFailures = 0, passingSince = null } = this.reading ?? {};
    this.reading =
      failure === null
        ? {
            consecutiveSuccesses: consecutiveSuccesses + 1,
            consecutiveFailures: 0,
            passingSince: passingSince ?? this.clock.now(),
            lastError: null,
          }
        : {
            consecutiveSuccesses: 0,
            consecutiveFailures: consecutiveFailures + 1,
            passingSince: null,
            lastError: failure,
          };
    if (this.isNews(this.reading)) this.changed();
  }

  /** Turned, or just reached the threshold at which the replica counts as ready, or no longer does. */
  private isNews({ consecutiveSuccesses, consecutiveFailures }: ProbeReading): boolean {
    const { successThreshold, failureThreshold } = this.target.readiness;
    return (
      consecutiveSuccesses === 1 ||
      consecutiveSuccesses === successThreshold ||
      consecutiveFailures === 1 ||
      consecutiveFailures === failureThreshold
    );
  }
}

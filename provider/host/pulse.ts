import { toBeat } from "../core/beat";

const BEAT_MS = 1_000;
/** After so many quiet beats in a row, in which it was asked as well, a peer is taken for hung. */
const UNANSWERED = 5;

export interface Watched {
  /** How much was heard of it so far, whatever it was. */
  heard(): number;
  /** Asks for any answer at all; asked only while nothing else is heard. */
  ask(): void;
  /** It lives, maybe, and does not answer. Called again if that helped nothing. */
  onHung(seconds: number): void;
}

/**
 * Tells a peer that hangs from one that has little to say. A process that was stopped, or turns in a loop, keeps its
 * connections: nothing breaks, and without this nobody would ever know.
 */
export class Pulse {
  private heard = -1;
  private unanswered = 0;
  private lastBeat = performance.now();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly watched: Watched) {
    this.beatLater();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private beatLater(): void {
    this.timer = setTimeout(() => this.beat(), toBeat(Date.now(), BEAT_MS));
    this.timer.unref();
  }

  private beat(): void {
    const now = performance.now();
    // We did not run ourselves, so the silence may be ours: a computer that slept or has too much to do.
    const wasLate = now - this.lastBeat > 2 * BEAT_MS;
    this.lastBeat = now;
    const heard = this.watched.heard();
    if (heard !== this.heard || wasLate) this.unanswered = 0;
    else if (this.unanswered >= UNANSWERED) {
      this.unanswered = 0;
      this.watched.onHung((UNANSWERED * BEAT_MS) / 1000);
    } else {
      this.unanswered += 1;
      this.watched.ask();
    }
    this.heard = heard;
    // Whatever that came to: a peer that has gone stops this by itself.
    if (this.timer !== null) this.beatLater();
  }
}

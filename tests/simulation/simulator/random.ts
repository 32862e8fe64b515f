/** Numbers in an order that the seed fixes, for making a scenario. */
export class Random {
  private state: number;

  constructor(seed: string) {
    this.state = hashOf(seed);
  }

  /** 0 <= x < 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    return mixed(this.state);
  }

  /** Both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(among: readonly T[]): T {
    return among[Math.floor(this.next() * among.length)]!;
  }
}

/**
 * 0 <= x < 1, by nothing but what it is for. A run draws all its luck here, so that leaving one fault out of a scenario
 * changes nobody else's luck and a failing one can be made smaller.
 */
export function luck(...about: readonly (string | number)[]): number {
  return mixed(hashOf(about.join("/")));
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash | 0;
}

/** The last step of mulberry32. */
function mixed(state: number): number {
  let mix = Math.imul(state ^ (state >>> 15), state | 1);
  mix ^= mix + Math.imul(mix ^ (mix >>> 7), mix | 61);
  return ((mix ^ (mix >>> 14)) >>> 0) / 4294967296;
}

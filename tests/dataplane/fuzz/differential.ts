import { isDeepStrictEqual } from "node:util";
import type { Random } from "../../simulation/simulator/random";
import { cut, mutant } from "./mutants";
import { nodes, ours, type Read, type Verdict } from "./parsers";

export interface Outcome {
  tried: number;
  /** Of which each parser took all that it was given. */
  takenByBoth: number;
  refusedByBoth: number;
  /** Ours is the stricter one. */
  refusedByOursAlone: number;
  /** What we would take otherwise than Node does, or take though Node refuses it: the bytes, and both readings. */
  disagreements: { bytes: string; ours: Verdict; nodes: Verdict }[];
  /** Read otherwise when the same bytes came in other pieces. */
  cutOtherwise: string[];
}

const KEEP = 20;

/** Gives both parsers the same mutated requests. */
export function compareParsers(count: number, random: Random): Outcome {
  const outcome: Outcome = {
    tried: count,
    takenByBoth: 0,
    refusedByBoth: 0,
    refusedByOursAlone: 0,
    disagreements: [],
    cutOtherwise: [],
  };
  for (let tried = 0; tried < count; tried += 1) {
    const data = mutant(random);
    const [our, their] = [ours([data]), nodes(data)];
    const agree = isSafe(our, their);
    if (!agree && outcome.disagreements.length < KEEP)
      outcome.disagreements.push({ bytes: data.toString("latin1"), ours: our, nodes: their });
    if (!isDeepStrictEqual(ours(cut(data, random)), our) && outcome.cutOtherwise.length < KEEP)
      outcome.cutOtherwise.push(data.toString("latin1"));
    if (our.refused && their.refused) outcome.refusedByBoth += 1;
    else if (our.refused) outcome.refusedByOursAlone += 1;
    else if (!their.refused) outcome.takenByBoth += 1;
  }
  return outcome;
}

/** Every request that we read to its end, Node reads too, as the same one in the same place. */
function isSafe(our: Verdict, their: Verdict): boolean {
  for (const [at, read] of our.reads.entries()) {
    const other = their.reads[at];
    // After it, Node expects another protocol, or nothing: it has no opinion on what follows.
    if (other === undefined) return at > 0 && their.reads[at - 1]!.last;
    if (other.method !== read.method || other.body !== read.body || !sameTarget(read, other)) return false;
  }
  return true;
}

/** Node hands on a target in absolute form as it is, and we the path that it names. */
function sameTarget({ target }: Read, { target: raw }: Read): boolean {
  return (
    raw === target ||
    (/^https?:\/\//i.test(raw) && (raw.endsWith(target) || target.endsWith("/") || target.startsWith("/?")))
  );
}

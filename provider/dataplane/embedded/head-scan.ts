import { FieldKind, kindOf } from "./fields";

/** Why the bytes are no head (yet); where there is one, a place is told instead. */
export const FAULT = { notWhole: -1, control: -2, noName: -3 } as const;

const CR = 13;
const LF = 10;
const COLON = 58;

/** Bytes of a field's name, RFC 9110. */
const IN_NAME = bytesOf((char) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char));
/** All but control characters; CR and LF are among these: in the midst of a line, each is a way to smuggle a second message. */
const IN_LINE = bytesOf((char) => char === "\t" || (char >= " " && char !== "\x7f"));

/**
 * Finds the lines of a head, each byte looked at once: the hot path of both parsers. Places are counted from the beginning of
 * the head. It is used again for the next one.
 */
export class HeadScan {
  /** Where the first line ends. */
  firstEnd = 0;
  fields = 0;
  /** How many lines mean something to a proxy; all others go on as they are, unread. */
  noted = 0;
  readonly kinds: FieldKind[] = [];
  readonly starts: number[] = [];
  readonly colons: number[] = [];
  readonly ends: number[] = [];

  /** Where in `data` that begins which follows the head, or a FAULT. What is told of a head that is not whole is for nobody. */
  run(data: Buffer, from: number): number {
    const to = data.length;
    let at = from;
    this.fields = 0;
    this.noted = 0;
    while (at < to && IN_LINE[data[at]!] === 1) at += 1;
    this.firstEnd = at - from;
    for (;;) {
      if (at === to) return FAULT.notWhole;
      if (data[at] !== CR) return FAULT.control;
      if (at + 1 === to) return FAULT.notWhole;
      if (data[at + 1] !== LF) return FAULT.control;
      at += 2;
      if (at === to) return FAULT.notWhole;
      if (data[at] === CR) {
        if (at + 1 === to) return FAULT.notWhole;
        return data[at + 1] === LF ? at + 2 : FAULT.control;
      }
      const start = at;
      while (at < to && IN_NAME[data[at]!] === 1) at += 1;
      if (at === to) return FAULT.notWhole;
      if (data[at] !== COLON || at === start) return FAULT.noName;
      const colon = at;
      at += 1;
      while (at < to && IN_LINE[data[at]!] === 1) at += 1;
      this.fields += 1;
      const kind = kindOf(data, start, colon - start);
      if (kind !== FieldKind.EndToEnd) {
        this.kinds[this.noted] = kind;
        this.starts[this.noted] = start - from;
        this.colons[this.noted] = colon - from;
        this.ends[this.noted] = at - from;
        this.noted += 1;
      }
    }
  }
}

/** A table of those that are in; one look at it costs less than any comparison of ranges. */
export function bytesOf(isIn: (char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (isIn(String.fromCharCode(byte)) ? 1 : 0));
}

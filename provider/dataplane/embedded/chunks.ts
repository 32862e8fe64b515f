/** Longest line that tells the size of a chunk, in bytes. */
export const CHUNK_LINE_BYTES = 1024;

/** With its extensions, which are thrown away: each a name, perhaps with a value. */
const LINE =
  /^([0-9a-fA-F]{1,12})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t !#-[\]-~\x80-\xff]*"))?)*$/;

/** Null: the line is no proper one. */
export function chunkSize(line: string): number | null {
  const size = LINE.exec(line)?.[1];
  return size === undefined ? null : parseInt(size, 16);
}

/**
 * Where the run of chunks that begins at `from` ends, of those that are whole, have bytes and no extensions: such ones may be
 * passed on as they are. `from` itself if there is none.
 */
export function wholeChunks(data: Buffer, from: number): number {
  let end = from;
  for (;;) {
    let at = end;
    let size = 0;
    for (; at < data.length && at - end < 8; at += 1) {
      const digit = hexDigit(data[at]!);
      if (digit === -1) break;
      size = size * 16 + digit;
    }
    const after = at + 2 + size;
    if (at === end || size === 0 || after + 2 > data.length) return end;
    if (data[at] !== 13 || data[at + 1] !== 10 || data[after] !== 13 || data[after + 1] !== 10) return end;
    end = after + 2;
  }
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

import { fieldKind, FieldKind, fieldValue, hasControl } from "./fields";

/** Fields behind a chunked body, names and values in turn; null: there are none. */
export type Trailers = readonly string[] | null;

/** All lines of one body. */
export const MAX_TRAILER_BYTES = 16 * 1024;

/** What kind of field a line is whose first colon is at `colon`. */
export function trailerKind(line: string, colon: number): FieldKind {
  return colon === -1 || hasControl(line) ? FieldKind.Invalid : fieldKind(line.slice(0, colon));
}

/** Together with one more line. Only what means nothing to a proxy goes on: the framing of a message is settled by its head. */
export function withTrailer(before: string[] | null, line: string, colon: number, kind: FieldKind): string[] | null {
  if (kind !== FieldKind.EndToEnd) return before;
  const trailers = before ?? [];
  trailers.push(line.slice(0, colon), fieldValue(line, colon + 1, line.length));
  return trailers;
}

/** Of what HTTP/2 calls so. */
export function trailersOf(fields: NodeJS.Dict<string | string[]>): Trailers {
  let trailers: string[] | null = null;
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value ?? []].flat())
      if (!hasControl(one) && fieldKind(name) === FieldKind.EndToEnd) (trailers ??= []).push(name, one);
  }
  return trailers;
}

/** The end of a chunked body. */
export function lastChunk(trailers: Trailers): string {
  return trailers === null ? "0\r\n\r\n" : "0\r\n" + fieldLines(trailers) + "\r\n";
}

function fieldLines(fields: readonly string[]): string {
  let text = "";
  for (let at = 0; at < fields.length; at += 2) text += fields[at]! + ": " + fields[at + 1]! + "\r\n";
  return text;
}

/** Anything shorter is found in every sentence, and guards no secret. */
const SHORTEST_VALUE = 4;
/** Whoever quotes cuts what is long: this much of a longer value gives it away. */
const TELLING_LENGTH = 8;

/** The text without the values that are anywhere in `secrets`, nor a telling piece of one. */
export function withoutValues(secrets: unknown, text: string): string {
  const hidden = quoted(text, [...new Set(leaves(secrets).flatMap(forms))]);
  let words = "";
  for (let place = 0; place < text.length; place += 1) {
    if (!hidden.has(place)) words += text[place];
    else if (!hidden.has(place - 1)) words += "...";
  }
  return words;
}

/** The places at which the text quotes one of the values, or a telling piece of it. */
function quoted(text: string, values: readonly string[]): Set<number> {
  const places = new Set<number>();
  const hide = (from: number, length: number) => {
    for (let place = from; place < from + length; place += 1) places.add(place);
  };
  const short = values.filter((value) => value.length >= SHORTEST_VALUE && value.length < TELLING_LENGTH);
  const long = values.filter((value) => value.length >= TELLING_LENGTH);
  for (let place = 0; place < text.length; place += 1) {
    for (const value of short) if (text.startsWith(value, place)) hide(place, value.length);
    const piece = text.slice(place, place + TELLING_LENGTH);
    if (piece.length === TELLING_LENGTH && long.some((value) => value.includes(piece))) hide(place, TELLING_LENGTH);
  }
  return places;
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves);
  return [];
}

/** As it is, and as it stands in an answer that is JSON itself, by a server that escapes little and by one that escapes much. */
function forms(value: string): string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const ascii = escaped.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [value, escaped, ascii];
}

/** What a header field is to a proxy. */
export enum FieldKind {
  EndToEnd,
  Invalid,
  HopByHop,
  Connection,
  KeepAlive,
  ContentLength,
  TransferEncoding,
  Host,
  Expect,
  Upgrade,
  Authorization,
  ForwardedFor,
  ForwardedProto,
  /** Which version the client asks for. */
  Pin,
  Date,
}

const KINDS: Readonly<Record<string, FieldKind>> = {
  connection: FieldKind.Connection,
  "keep-alive": FieldKind.KeepAlive,
  "proxy-connection": FieldKind.HopByHop,
  "proxy-authenticate": FieldKind.HopByHop,
  "proxy-authorization": FieldKind.HopByHop,
  te: FieldKind.HopByHop,
  trailer: FieldKind.HopByHop,
  upgrade: FieldKind.Upgrade,
  authorization: FieldKind.Authorization,
  "transfer-encoding": FieldKind.TransferEncoding,
  "content-length": FieldKind.ContentLength,
  host: FieldKind.Host,
  expect: FieldKind.Expect,
  "x-forwarded-for": FieldKind.ForwardedFor,
  "x-forwarded-proto": FieldKind.ForwardedProto,
  "x-pulumi-serve-version": FieldKind.Pin,
  date: FieldKind.Date,
};

/** Longer than each name that means something. */
const LENGTHS = 32;
/** By length and first letter, in whichever case. */
const MEANING = new Uint8Array(LENGTHS * 32);
for (const name of Object.keys(KINDS)) MEANING[placeOf(name.length, name.charCodeAt(0))] = 1;

/** False: a name of this length, with this first letter, means nothing to a proxy. */
export function mayMean(length: number, first: number): boolean {
  return length < LENGTHS && MEANING[placeOf(length, first)] === 1;
}

function placeOf(length: number, first: number): number {
  return length * 32 + (first & 31);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Names as they were spelled, so that the hot path does not lower-case each one again. Bounded: names come from outside. */
const seen = new Map<string, FieldKind>();
const MAX_SEEN = 2048;

export function fieldKind(name: string): FieldKind {
  const known = seen.get(name);
  if (known !== undefined) return known;
  const kind = TOKEN.test(name) ? (KINDS[name.toLowerCase()] ?? FieldKind.EndToEnd) : FieldKind.Invalid;
  if (seen.size < MAX_SEEN) seen.set(name, kind);
  return kind;
}

/** CR and LF besides: the lines are cut by now, so that none may be left. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** Whether a value or a line has what no field may have. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Without the blanks around it. Not `trim`, which takes more for a blank than HTTP does: two parsers would disagree. */
export function fieldValue(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Without the lines that Connection names: they are the hop's, but what framing rests on cannot be named away. */
export function withoutNamed(fields: string, named: ReadonlySet<string>): string {
  return fields
    .split("\r\n")
    .filter((line) => {
      const name = line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
      return name === "content-length" || !named.has(name);
    })
    .join("\r\n");
}

/** The members of a list, in lower case. */
export function tokensOf(list: string): ReadonlySet<string> {
  return new Set(
    list
      .toLowerCase()
      .split(",")
      .map((token) => token.trim()),
  );
}

/** Names and values of lines, in turn. */
export function pairsOf(fields: string): string[] {
  return fields.split("\r\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return colon === -1 ? [] : [line.slice(0, colon), fieldValue(line, colon + 1, line.length)];
  });
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

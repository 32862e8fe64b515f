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

const KINDS: ReadonlyMap<string, FieldKind> = new Map([
  ["connection", FieldKind.Connection],
  ["keep-alive", FieldKind.KeepAlive],
  ["proxy-connection", FieldKind.HopByHop],
  ["proxy-authenticate", FieldKind.HopByHop],
  ["proxy-authorization", FieldKind.HopByHop],
  ["te", FieldKind.HopByHop],
  ["trailer", FieldKind.HopByHop],
  ["upgrade", FieldKind.Upgrade],
  ["authorization", FieldKind.Authorization],
  ["transfer-encoding", FieldKind.TransferEncoding],
  ["content-length", FieldKind.ContentLength],
  ["host", FieldKind.Host],
  ["expect", FieldKind.Expect],
  ["x-forwarded-for", FieldKind.ForwardedFor],
  ["x-forwarded-proto", FieldKind.ForwardedProto],
  ["x-pulumi-serve-version", FieldKind.Pin],
  ["date", FieldKind.Date],
]);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function fieldKind(name: string): FieldKind {
  return TOKEN.test(name) ? (KINDS.get(name.toLowerCase()) ?? FieldKind.EndToEnd) : FieldKind.Invalid;
}

/** Longer than each name that means something. */
const LENGTHS = 32;
/** By length and first letter, in whichever case, the only name that means something, if there is one. */
const MEANING: ({ name: Buffer; kind: FieldKind } | undefined)[] = Array.from({ length: LENGTHS * 32 });
for (const [name, kind] of KINDS) {
  const place = placeOf(name.length, name.charCodeAt(0));
  if (name.length >= LENGTHS || MEANING[place] !== undefined) throw new Error(`"${name}" has no place of its own`);
  MEANING[place] = { name: Buffer.from(name), kind };
}

/** The same of a name that is known to be proper, without making a string of it. */
export function kindOf(data: Buffer, from: number, length: number): FieldKind {
  const found = length < LENGTHS ? MEANING[placeOf(length, data[from]!)] : undefined;
  if (found === undefined) return FieldKind.EndToEnd;
  const { name, kind } = found;
  for (let at = 0; at < length; at += 1) if ((data[from + at]! | 32) !== name[at]) return FieldKind.EndToEnd;
  return kind;
}

function placeOf(length: number, first: number): number {
  return length * 32 + (first & 31);
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

/**
 * The value as Pulumi's protocol can carry it. It rejects `undefined`, bigint, functions and buffers by throwing, and it
 * does so after the handler has done its work: the whole state of the resource would be lost. So everything that goes to
 * Pulumi passes here, and this never throws.
 */
export function jsonClean<T>(value: T): T {
  return clean(value, []) as T;
}

function clean(value: unknown, parents: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
    case "object":
      return value === null || parents.includes(value) ? null : cleanObject(value, [...parents, value]);
    case "undefined":
    case "function":
    case "symbol":
      return undefined;
  }
}

function cleanObject(value: object, parents: readonly object[]): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Map)
    return cleanMembers(
      [...value].map(([key, member]) => [String(key), member]),
      parents,
    );
  if (Array.isArray(value) || value instanceof Set) return [...value].map((item) => clean(item, parents) ?? null);
  return cleanMembers(Object.entries(value), parents);
}

function cleanMembers(members: [string, unknown][], parents: readonly object[]): Record<string, unknown> {
  const cleaned = members.map(([key, member]) => [key, clean(member, parents)] as const);
  return Object.fromEntries(cleaned.filter(([, member]) => member !== undefined));
}

/**
 * What a value that is not known yet looks like during a preview, whatever its type (`pulumi.runtime.unknownValue`).
 * Spelled out, because the core imports nothing of Pulumi; a contract test holds the two equal.
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** True when the value, or anything inside it, is not known yet: what is computed from it is unknown as well. */
export function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(hasUnknown);
}

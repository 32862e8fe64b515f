import { z } from "zod";

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };
const SENTENCE = 'must be a number of seconds or a duration such as "90s", "10m" or "1h30m"';

/** Seconds of a number or of a duration in the notation of Pulumi's `customTimeouts`; null when it is neither. */
export function durationSeconds(value: number | string): number | null {
  if (typeof value === "number") return Number.isFinite(value) && value > 0 ? value : null;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== value) return null;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0);
}

export const duration = z
  .union([z.number(), z.string()], SENTENCE)
  .refine((value) => durationSeconds(value) !== null, SENTENCE);

/** A duration, or 0 where none is needed. */
export const durationOrNone = z
  .union([z.number(), z.string()], SENTENCE)
  .refine((value) => value === 0 || durationSeconds(value) !== null, `${SENTENCE}, or 0`);

/** Seconds of what passed one of these rules. */
export function secondsOf(value: number | string): number {
  return value === 0 ? 0 : durationSeconds(value)!;
}

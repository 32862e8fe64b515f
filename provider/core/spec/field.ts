import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { misplaced } from "./misplaced";
import { notThereYet } from "./not-there-yet";
import { UNKNOWN } from "./unknown";

/**
 * One member of a declaration: an unknown passes whatever the rule (a preview must not fail on what only `up` will know),
 * an absent one becomes `fallback`, which goes through the rule like a given one.
 */
export function field<S extends z.ZodType>(rule: S, fallback?: z.input<S>) {
  return z
    .unknown()
    .optional()
    .transform((given, context): z.output<S> => {
      if (given === UNKNOWN) return UNKNOWN as z.output<S>;
      const value = given ?? fallback;
      const result = rule.safeParse(value);
      if (result.success) return result.data;
      for (const issue of result.error.issues) {
        context.issues.push({ ...issue, path: [...issue.path], input: undefined });
      }
      return z.NEVER;
    });
}

/** An object that refuses members it does not know: a typing error must not silently become a default. */
export function closed<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownField(key, shape)).join(" ");
      return "must be an object";
    },
  });
}

/** A whole number within bounds; `because` ends the sentence where the bounds need a reason. */
export function whole(min: number, max: number, unit = "") {
  const sentence = `must be a whole number from ${min} to ${max}${unit && ` ${unit}`}`;
  return z.number(sentence).int(sentence).min(min, sentence).max(max, sentence);
}

/** Seconds, fractions allowed. */
export function seconds(min: number, max: number) {
  const sentence = `must be a number of seconds from ${min} to ${max}`;
  return z.number(sentence).min(min, sentence).max(max, sentence);
}

/** A text that says something. */
export function text(what: string) {
  return z.string(`must be ${what}`).refine((value) => value.trim() !== "", `must not be empty: give ${what}`);
}

function unknownField(key: string, shape: z.ZodRawShape): string {
  const told = notThereYet(key) ?? misplaced(key);
  if (told !== null) return told;
  const fields = Object.keys(shape).filter((name) => !TOLD_BY_THE_SDK.has(name));
  return `There is no field \`${key}\` here. Did you mean \`${nearest(key, fields)}\`? The fields are ${fields.sort().join(", ")}.`;
}

/** What a program does not write. */
const TOLD_BY_THE_SDK = new Set(["project", "stack", "name", "resourceUrn"]);

/** A name that was cut short, or has a word too many, is nearer than one of other letters. */
function nearest(key: string, fields: readonly string[]): string {
  const asked = key.toLowerCase();
  const far = (name: string) => {
    const known = name.toLowerCase();
    const part = asked.length > 2 && (known.includes(asked) || asked.includes(known));
    return part ? 0 : distance(asked, known);
  };
  return [...fields].sort((a, b) => far(a) - far(b) || distance(key, a) - distance(key, b))[0]!;
}

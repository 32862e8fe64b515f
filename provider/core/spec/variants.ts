import { z } from "zod";
import { closed } from "./field";
import { UNKNOWN } from "./unknown";

type Shapes = Record<string, z.ZodRawShape>;
type Variant<Tag extends string, S extends Shapes> = {
  [Name in keyof S & string]: Record<Tag, Name> & z.output<z.ZodObject<S[Name]>>;
}[keyof S & string];

/**
 * An object that is one of several kinds, told apart by its member `tag`; absent, it is `fallback`. A member of another
 * kind is refused and never ignored: it would look as if it had an effect. While the kind is unknown all of it passes.
 */
export function variants<Tag extends string, S extends Shapes>(tag: Tag, shapes: S, fallback?: keyof S & string) {
  const names = Object.keys(shapes);
  const quoted = (some: readonly string[]) => some.map((name) => `"${name}"`).join(" or ");
  return z.unknown().transform((given, context): Variant<Tag, S> => {
    const refuse = (path: PropertyKey[], message: string) => {
      context.issues.push({ code: "custom", path, message, input: undefined });
      return z.NEVER;
    };
    if (typeof given !== "object" || given === null || Array.isArray(given)) return refuse([], "must be an object");
    const name = (given as Record<string, unknown>)[tag] ?? fallback;
    if (name === UNKNOWN) return given as Variant<Tag, S>;
    if (typeof name !== "string" || !names.includes(name)) return refuse([tag], `must be ${quoted(names)}`);

    const own: Record<string, unknown> = { ...given, [tag]: name };
    for (const key of Object.keys(own)) {
      if (key === tag || key in shapes[name]!) continue;
      const owners = names.filter((other) => key in shapes[other]!);
      if (owners.length === 0) continue;
      if (own[key] !== undefined && own[key] !== null) {
        refuse([key], `belongs to the ${tag} ${quoted(owners)}, not to "${name}": leave it out, or change \`${tag}\``);
      }
      delete own[key];
    }
    const result = closed({ [tag]: z.literal(name), ...shapes[name] }).safeParse(own);
    if (result.success) return result.data as Variant<Tag, S>;
    for (const issue of result.error.issues) context.issues.push({ ...issue, input: undefined });
    return z.NEVER;
  });
}

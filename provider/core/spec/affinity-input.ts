import { z } from "zod";
import { closed, field } from "./field";

const name = (of: string) =>
  z.string(`must be the name of a ${of}`).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, `must be the name of a ${of}`);

/** By what requests are held together: one of the two. */
export const affinityInput = closed({
  header: field(name("header").toLowerCase().optional()),
  cookie: field(name("cookie").optional()),
}).refine(
  ({ header, cookie }) => (header === undefined) !== (cookie === undefined),
  "must name a `header` or a `cookie`, and not both",
);

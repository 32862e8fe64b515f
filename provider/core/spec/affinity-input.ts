import { z } from "zod";
import { closed, field, whole } from "./field";

const name = (of: string) =>
  z.string(`must be the name of a ${of}`).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, `must be the name of a ${of}`);

const FIELD = "must be the name of a field of JSON: letters, digits, - and _, at most 64";

/** By what requests are held together: one of the three, and how firmly. */
export const affinityInput = closed({
  header: field(name("header").toLowerCase().optional()),
  cookie: field(name("cookie").optional()),
  prefixBytes: field(whole(1, 8192, "bytes").optional()),
  prefixField: field(
    z
      .string(FIELD)
      .regex(/^[\w-]{1,64}$/, FIELD)
      .optional(),
  ),
  maxLoadGap: field(whole(0, 100_000).optional()),
})
  .refine(
    ({ header, cookie, prefixBytes }) => [header, cookie, prefixBytes].filter((by) => by !== undefined).length === 1,
    "must name one of `header`, `cookie` and `prefixBytes`",
  )
  .refine(({ prefixBytes, prefixField }) => prefixField === undefined || prefixBytes !== undefined, {
    path: ["prefixField"],
    message: "says where `prefixBytes` begin: give them too, or leave it out",
  });

import { z } from "zod";
import { duration } from "./duration";
import { closed, field } from "./field";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** What every resource is told about itself by its class in the SDK, since Pulumi tells a dynamic provider none of it. */
export const owner = {
  project: field(z.string()),
  stack: field(z.string()),
  name: field(
    z
      .string()
      .regex(
        NAME,
        "must have at most 63 letters, digits, dots, dashes and underscores, as it names replicas and files",
      ),
  ),
  /** Only where progress lines go; a resource whose parent changes is still the same. */
  resourceUrn: field(z.string().optional()),
};

/** How long each operation may wait; absent: the default of the resource. */
export const timeouts = field(
  closed({
    create: field(duration.optional()),
    update: field(duration.optional()),
    delete: field(duration.optional()),
  }).optional(),
);

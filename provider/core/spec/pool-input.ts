import { z } from "zod";
import { acceleratorsInput } from "./accelerators-input";
import { capacityAsks, capacityFaults, capacityInput, capacityWeight } from "./capacity-input";
import { environmentName, headers } from "./environment";
import { closed, field, seconds, text, whole } from "./field";
import { owner, timeouts } from "./owner";
import type { Resources } from "./pool";
import { UNKNOWN } from "./unknown";

const positive = (what: string) => z.number(`must be ${what}`).positive(`must be ${what}, more than 0`);

const replicaEnvironment = z.record(
  environmentName.refine((name) => name !== "PORT", "is set for each replica by the target: listen on it"),
  field(z.string("must be a text")),
);

const template = closed({
  setup: field(text("a shell command, or leave it out").optional()),
  run: field(text("the shell command that starts the server")),
  workdir: field(text("the path of a folder, or leave it out").optional()),
  env: field(replicaEnvironment.optional()),
  port: field(whole(1, 65_535), 8000),
  resources: field(
    closed({
      cpus: field(positive("a number of processors").optional()),
      memoryGiB: field(positive("a number of GiB").optional()),
      accelerators: field(acceleratorsInput.optional()),
    }),
    {},
  ),
  restartToken: field(z.string("must be a text").optional()),
});

const path = z
  .string("must be a path")
  .regex(/^\/[^\s?#]*$/, "must begin with / and hold no blanks, queries or fragments");

const readiness = closed({
  path: field(z.string("must be a path").regex(/^\/\S*$/, "must begin with / and hold no blanks"), "/"),
  startupGraceSeconds: field(seconds(1, 86_400), 600),
  intervalSeconds: field(seconds(0.1, 3600), 2),
  timeoutSeconds: field(seconds(0.1, 3600), 2),
  successThreshold: field(whole(1, 100), 1),
  failureThreshold: field(whole(1, 100), 3),
  headers: field(headers.optional()),
  body: field(z.string("must be a text").optional()),
});

/** How a userConfig reaches a replica. */
const reconfigure = closed({
  path: field(path, "/reconfigure"),
  method: field(z.enum(["POST", "PUT"], 'must be "POST" or "PUT"'), "POST"),
  timeoutSeconds: field(seconds(0.1, 600), 10),
  onRefusal: field(z.enum(["report", "replace"], 'must be "report" or "replace"'), "report"),
});

const members = closed({
  ...owner,
  service: field(z.string()),
  route: field(path, "/"),
  template: field(template, {}),
  readiness: field(readiness, {}),
  /** Whatever Pulumi can carry is JSON. */
  userConfig: field(z.unknown()),
  reconfigure: field(reconfigure, {}),
  version: field(
    text("a name of your own for what the template is").max(100, "must have at most 100 characters").optional(),
  ),
  /** No default here: what `capacity` says of the number is refused beside one that is given. */
  replicas: field(whole(1, 1000).optional()),
  capacity: field(capacityInput, {}),
  /** Without a default here: a program of before it came would show a difference. */
  capacityWeight: field(capacityWeight.optional()),
  drainSeconds: field(seconds(0, 86_400), 60),
  minReadySeconds: field(seconds(0, 86_400), 0),
  bootSeconds: field(seconds(0, 86_400), 60),
  timeouts,
});

/** ReplicaPool as the SDK sends it; parsed, every default is filled in, and parsing it again changes nothing. */
export const poolInput = members
  .superRefine(({ capacity, replicas, template }, context) => {
    const resources = (template as unknown) === UNKNOWN ? UNKNOWN : template.resources;
    const accelerators = (resources as unknown) === UNKNOWN ? UNKNOWN : (resources as Resources).accelerators;
    for (const { path, sentence } of capacityFaults({ capacity, replicas, accelerators })) {
      context.addIssue({ code: "custom", path, message: sentence });
    }
  })
  .transform(({ replicas, ...rest }) => ({
    ...rest,
    ...(capacityAsks(rest.capacity) ? {} : { replicas: replicas ?? 1 }),
  }));

export type PoolInput = z.output<typeof poolInput>;

import { digest } from "../digest";
import type { PoolInput } from "./pool-input";
import { sizing } from "./sizing";
import { spotSpec } from "./spot-input";
import type { PoolSpec, RevisionParts, UserConfigSpec } from "./pool";

/** What goes into the store's secrets under the spec's references. */
export interface PoolSecrets {
  env: Record<string, string> | null;
  request: { headers: Record<string, string>; body: string | null } | null;
  /** Null: none is declared. */
  userConfig: unknown;
}

export function poolSecrets({ template, readiness, userConfig = null }: PoolInput): PoolSecrets {
  const { headers = {}, body = null } = readiness;
  const env = template.env ?? {};
  return {
    env: Object.keys(env).length === 0 ? null : env,
    request: Object.keys(headers).length === 0 && body === null ? null : { headers, body },
    userConfig,
  };
}

/**
 * The declaration in the form in which everything past `check` uses it. `workdir` is the content's hash, or null without
 * one. References of secrets are derived from content and pool, so that equal declarations make equal specs.
 */
export function poolSpec(input: PoolInput, workdir: string | null): PoolSpec {
  const { template, readiness } = input;
  const secrets = poolSecrets(input);
  const version = input.version ?? null;
  const salt = [input.service, input.name];
  const env = secrets.env === null ? null : digest([...salt, secrets.env]);
  const request = secrets.request === null ? null : digest([...salt, secrets.request]);
  const parts: RevisionParts = {
    setup: digest(template.setup ?? null),
    run: digest(template.run),
    workdir: digest(workdir),
    env: digest(env),
    port: digest(template.port),
    resources: digest(template.resources),
    restartToken: digest(template.restartToken ?? null),
  };
  const spec: Omit<PoolSpec, "specHash"> = {
    name: input.name,
    revision: version === null ? digest(parts) : digest([input.name, version]),
    parts,
    launch: {
      setup: template.setup ?? null,
      run: template.run,
      workdirBlob: workdir,
      envSecret: env === null ? null : `env-${env}`,
      port: template.port,
      resources: template.resources,
    },
    route: input.route,
    ...sizing(input),
    ...weighted(input),
    readiness: {
      path: readiness.path,
      startupGraceSeconds: readiness.startupGraceSeconds,
      intervalSeconds: readiness.intervalSeconds,
      timeoutSeconds: readiness.timeoutSeconds,
      successThreshold: readiness.successThreshold,
      failureThreshold: readiness.failureThreshold,
      method: readiness.body === undefined ? "GET" : "POST",
      requestSecret: request === null ? null : `probe-${request}`,
    },
    drainSeconds: input.drainSeconds,
    minReadySeconds: input.minReadySeconds,
    bootSeconds: input.bootSeconds,
    userConfig: userConfigSpec(input, secrets.userConfig),
    spot: input.capacity.spot === undefined ? null : spotSpec(input.capacity.spot),
    version,
  };
  return { ...spec, specHash: digest(spec) };
}

/** Left out where it says nothing, so that specs of before it came keep their hash. */
function weighted({ capacityWeight = 1 }: PoolInput): Pick<PoolSpec, "capacityWeight"> {
  return capacityWeight === 1 ? {} : { capacityWeight };
}

/** The way is part of the hash: a config that was sent to a wrong path is sent again by the right one. */
function userConfigSpec({ service, name, reconfigure }: PoolInput, config: unknown): UserConfigSpec | null {
  if (config === null) return null;
  const { method, path, timeoutSeconds, onRefusal } = reconfigure;
  const hash = digest([service, name, method, path, config]);
  return { hash, secret: `config-${hash}`, path, method, timeoutSeconds, onRefusal };
}

/**
 * The declaration with the content of what serves under the same explicit version: the same version string means no
 * redeploy, so whatever starts from now on must be what runs beside it. Without a version the two contents are equal.
 */
export function keepingContent(serving: PoolSpec, declared: PoolSpec): PoolSpec {
  return { ...declared, launch: serving.launch, parts: serving.parts };
}

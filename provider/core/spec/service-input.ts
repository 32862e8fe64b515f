import { z } from "zod";
import { affinityInput } from "./affinity-input";
import { clientLimitsInput } from "./client-limits-input";
import { closed, field, seconds, whole } from "./field";
import { owner, timeouts } from "./owner";
import { serviceIdentity } from "./identity";
import type { BalancerSpec, ServiceSpec, Targets } from "./pool";
import { tlsInput, tlsSpec, type TlsInput } from "./tls-input";
import { additionalTargetsInput, targetInput, targetsFaults } from "./targets-input";
import { tokensInput } from "./tokens-input";
import { workersFault, workersInput } from "./workers-input";

const balancer = closed({
  engine: field(z.enum(["embedded", "haproxy"], 'must be "embedded" or "haproxy"').optional()),
  workers: field(workersInput),
  policy: field(z.enum(["leastLoad", "roundRobin"], 'must be "leastLoad" or "roundRobin"'), "leastLoad"),
  slowStartSeconds: field(seconds(0, 3600).optional()),
  maxInFlightPerReplica: field(whole(1, 100_000), 256),
  maxQueue: field(whole(0, 1_000_000), 1024),
  queueTimeoutSeconds: field(seconds(0, 3600), 30),
  requestTimeoutSeconds: field(seconds(0.1, 86_400), 300),
  webSocketIdleSeconds: field(seconds(0.1, 604_800).optional()),
  limits: field(clientLimitsInput.optional()),
  tokens: field(tokensInput.optional()),
  affinity: field(affinityInput.optional()),
  tls: field(tlsInput.optional()),
  accessLog: field(z.boolean("must be true or false").optional()),
  maxHeaderBytes: field(whole(1024, 1_048_576, "bytes"), 32_768),
  maxBodyBytes: field(whole(0, 2 ** 40, "bytes"), 104_857_600),
  replayBufferBytes: field(whole(0, 2 ** 30, "bytes"), 1_048_576),
  retry: field(
    closed({
      attempts: field(whole(0, 10), 2),
      nonIdempotent: field(z.boolean("must be true or false"), true),
    }),
    {},
  ),
});

/** ServeService as the SDK sends it; parsed, every default is filled in. */
export const serviceInput = closed({
  ...owner,
  target: field(targetInput, {}),
  additionalTargets: field(additionalTargetsInput.optional()),
  endpoint: field(
    closed({
      host: field(z.string("must be an address of this computer").min(1), "127.0.0.1"),
      port: field(whole(1, 65_535)),
    }),
    {},
  ),
  balancer: field(balancer, {}),
  timeouts,
}).superRefine((input, context) => {
  for (const fault of targetsFaults(input)) context.addIssue({ code: "custom", ...fault });
  const message = workersFault(input.balancer);
  if (message !== null) context.addIssue({ code: "custom", path: ["balancer", "workers"], message });
});

export type ServiceInput = z.output<typeof serviceInput>;

/** What the intent holds; the targets' cloud files are absolute, as the agent works in another folder than the program. */
export function serviceSpec(input: ServiceInput, targets: Targets): ServiceSpec {
  return { endpoint: input.endpoint, balancer: balancerSpec(input), ...targets };
}

function balancerSpec(input: ServiceInput): BalancerSpec {
  const { tls, ...balancer } = input.balancer;
  return tls === undefined ? balancer : { ...balancer, tls: tlsSpec(serviceIdentity(input), tls) };
}

/** Inputs as they may be shown: a name stands for certificate and key. Again of what it gave, it changes nothing. */
export function withoutKeyPair(inputs: Record<string, unknown>): Record<string, unknown> {
  const balancer = inputs["balancer"] as { tls?: Partial<TlsInput> } | null | undefined;
  const tls = balancer?.tls;
  if (tls?.privateKey === undefined) return inputs;
  return { ...inputs, balancer: { ...balancer, tls: tlsSpec(String(inputs["serviceId"]), tls as TlsInput) } };
}

/** Where clients find the service; `tls`: its declaration, or undefined without one. */
export function endpointUrl({ host, port }: ServiceSpec["endpoint"], tls: unknown): string {
  return `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

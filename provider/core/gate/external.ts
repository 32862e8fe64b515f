import type { Gate } from "../strategy";

/** Gates that somebody outside decides. */
export type ExternalGate = Extract<Gate, { kind: "command" | "webhook" }>;

/** What such a gate is told about the rollout that it judges. */
export interface GateFacts {
  service: string;
  /** Where the balancer answers; with the header `X-Pulumi-Serve-Version: canary` the canary does. */
  endpoint: { host: string; port: number };
  rollout: number;
  percent: number;
  version: number;
  revisions: Record<string, { from: string | null; to: string | null }>;
}

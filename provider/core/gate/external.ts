import type { Gate } from "../strategy";

/** Gates that somebody outside decides. */
export type ExternalGate = Extract<Gate, { kind: "command" | "webhook" }>;

/** What such a gate is: it may hold secrets, so that only the store's secrets have it. */
export type GateContent = CommandContent | WebhookContent;

export interface CommandContent {
  kind: "command";
  run: string;
  env: Record<string, string>;
}

export interface WebhookContent {
  kind: "webhook";
  url: string;
  headers: Record<string, string>;
}

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

import type { BalancerSpec } from "../core/spec/pool";

const DEFAULT_SECONDS = 3600;

/** How long both sides of a WebSocket may say nothing, in seconds. Both engines take it from here, so that they agree. */
export function webSocketIdleSeconds({ webSocketIdleSeconds }: BalancerSpec): number {
  return webSocketIdleSeconds ?? DEFAULT_SECONDS;
}

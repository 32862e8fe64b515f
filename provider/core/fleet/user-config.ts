import type { PoolSpec } from "../spec/pool";
import type { Replica } from "../state";

/** True when the replica runs with the userConfig that its spec declares, or when none is declared. */
export function isConfigured({ configured }: Replica, { userConfig }: PoolSpec): boolean {
  return userConfig === null || configured === userConfig.hash;
}

/** Why the replica refused the userConfig that its spec declares; null: it did not. */
export function refusalOf({ refusedConfig }: Replica, { userConfig }: PoolSpec): string | null {
  return userConfig !== null && refusedConfig?.hash === userConfig.hash ? refusedConfig.reason : null;
}

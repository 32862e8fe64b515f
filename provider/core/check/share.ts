import type { RoutedPool } from "../events";

/** An exact fraction; weights are integers, so no rounding enters a proof. */
export interface Share {
  part: number;
  whole: number;
}

/** Share of first attempts that goes to the canary; no primary (or no weights at all) is a share of nothing or of all. */
export function canaryShare(routed: RoutedPool | undefined): Share {
  const canary = routed?.canary?.weight ?? 0;
  const primary = routed?.primary?.weight ?? 0;
  return { part: canary, whole: Math.max(1, canary + primary) };
}

export function rest({ part, whole }: Share): Share {
  return { part: whole - part, whole };
}

export function isGreater(a: Share, b: Share): boolean {
  return a.part * b.whole > b.part * a.whole;
}

export function show({ part, whole }: Share): string {
  return `${part}/${whole}`;
}

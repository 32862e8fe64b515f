import { durationSeconds } from "../core/spec/duration";
import type { Props } from "./handler";

type Operation = "create" | "update" | "delete";

/** Seconds that the operation may wait: the `timeouts` input, else the resource's default. */
export function timeLimit(props: Props, operation: Operation, fallback: number): number {
  return givenLimit(props, operation) ?? fallback;
}

/** What the `timeouts` input says; null: nothing. */
export function givenLimit(props: Props, operation: Operation): number | null {
  const timeouts = props["timeouts"] as Partial<Record<string, number | string>> | undefined;
  const given = timeouts?.[operation];
  return given === undefined ? null : durationSeconds(given);
}

/** What `promise` gives, or null when it takes longer: previews must not hang on a slow store. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), milliseconds)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

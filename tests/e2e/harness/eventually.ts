import { setTimeout as sleep } from "node:timers/promises";

/** Resolves with the first value that is neither false nor null nor undefined; throws after the deadline, saying what was awaited. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  { seconds = 60, everyMs = 50 }: { seconds?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== false && value !== null && value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= deadline) throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
    await sleep(everyMs);
  }
}

import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a condition; after the deadline it says what was so instead. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false | undefined> | T | null | false | undefined,
  seconds = 60,
  describe: () => unknown = () => "",
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}. ${JSON.stringify(describe())}`);
    await sleep(10);
  }
}

/**
 * Ctrl-C ends mocha without its hooks, and what the tests started would live on: agents and data planes have sessions of
 * their own. Mocha loads this file first; whoever starts such a thing registers how it is ended.
 */
type Cleanup = () => void | Promise<void>;

const cleanups = new Set<Cleanup>();

/** Returns how to take it back, for when it was cleaned up in the ordinary way. */
export function whenInterrupted(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

export const mochaHooks = {
  beforeAll(): void {
    process.once("SIGINT", () => void endEarly(130));
    process.once("SIGTERM", () => void endEarly(143));
  },
};

async function endEarly(code: number): Promise<void> {
  await Promise.allSettled([...cleanups].map(async (cleanup) => cleanup()));
  process.exit(code);
}

import type { Start } from "../contender";

/** No balancer at all: what is left is the clients' and the backends' own. */
export const direct: Start = ([backend]) =>
  Promise.resolve({ name: "direct", port: backend!, pids: [], stop: () => Promise.resolve() });

import { setTimeout as sleep } from "node:timers/promises";
import { AgentKeeper } from "../agent/keeper";
import { ServeError } from "../core/errors";
import type { Progress } from "../core/follow";
import type { Intent } from "../core/intent";
import type { State } from "../core/state";
import { isAlive } from "../host/process-identity";
import type { Reporter } from "../ports/reporter";
import type { LeaseHolder, Store } from "../ports/store";
import type { Edge } from "./edge";
import { Patience } from "./patience";

const LOOK_EVERY_MS = 100;

export interface Follow {
  edge: Edge;
  store: Store;
  /** Nothing counts before the controller has seen this version of the intent. */
  since: number;
  /** How long to wait; what has its own clock does not count, where that is told by `hasOwnClock`. */
  seconds: number;
  /** Absent: all time counts. */
  hasOwnClock?: (state: State) => boolean;
  reporter: Reporter;
  look: (intent: Intent, state: State | null) => Progress;
}

/**
 * Waits until the agent has brought about what was declared, telling each change once. Throws what `look` calls failed,
 * and Interrupted when its patience is over: the agent goes on all the same, and the next `up` follows it again.
 */
export async function follow(request: Follow): Promise<State> {
  const { edge, store, since, seconds, hasOwnClock, reporter, look } = request;
  const patience = new Patience(seconds, edge.clock.now());
  const agent = new AgentKeeper(store, edge.clock, () => edge.ensureAgent(store));
  let said = "";
  for (;;) {
    await agent.keep();
    const [intent, state] = [(await store.readIntent()).value, (await store.readState())?.value ?? null];
    const seen = state !== null && state.intentVersion >= since && (await isOfLiveAgent(store, state));
    const progress: Progress = seen ? look(intent, state) : { kind: "working", line: "waiting for the agent" };
    if (progress.kind === "failed") throw failure(progress);
    if (progress.line !== said) reporter.info((said = progress.line));
    if (progress.kind === "done") return state!;
    const waitsFor = seen && hasOwnClock?.(state) ? "ownClock" : "silence";
    if (patience.isOver(edge.clock.now(), waitsFor)) throw timedOut(seconds, progress.line);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Waits until the whole service is gone: store, agent and all. */
export async function followUntilGone(request: Omit<Follow, "look" | "since" | "hasOwnClock">): Promise<void> {
  const { edge, store, seconds, reporter } = request;
  const deadline = edge.clock.now() + seconds * 1000;
  const agent = new AgentKeeper(store, edge.clock, () => edge.ensureAgent(store));
  let holder: LeaseHolder | null = null;
  let said = "";
  const tell = async (line: string): Promise<void> => {
    if (line !== said) reporter.info((said = line));
    if (edge.clock.now() >= deadline) throw timedOut(seconds, line);
    await sleep(LOOK_EVERY_MS);
  };
  while (await store.exists()) {
    try {
      await agent.keep();
      holder = (await store.readLease())?.holder ?? holder;
      const left = Object.keys((await store.readState())?.value.replicas ?? {}).length;
      await tell(left === 0 ? "ending balancer and agent" : `draining: ${left} replicas left`);
    } catch (error) {
      // Between two reads the store may go: that is the end that is waited for.
      if (await store.exists()) throw error;
    }
  }
  // The agent has taken the store away by renaming it, and may be removing its files still, or have been killed over it.
  await store.destroy();
  while (holder !== null && isAlive(holder)) await tell("ending the agent");
}

/** What a dead agent wrote may be long past: nothing of it needs to run any more. */
async function isOfLiveAgent(store: Store, state: State): Promise<boolean> {
  const lease = await store.readLease();
  return lease !== null && !lease.dead && lease.epoch === state.epoch;
}

function failure({ code, reasons }: Extract<Progress, { kind: "failed" }>): ServeError {
  return new ServeError({ code, scope: "agent", reasons });
}

function timedOut(seconds: number, line: string): ServeError {
  return new ServeError({
    code: "Interrupted",
    scope: "agent",
    retryable: true,
    reasons: [
      `Not finished within ${seconds} s (${line}). The agent goes on by itself: run \`pulumi up\` again to follow it, or give more time in \`timeouts\`.`,
    ],
  });
}

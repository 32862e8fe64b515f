import type { Action } from "../core/action";
import { decide } from "../core/decide";
import type { Intent } from "../core/intent";
import type { Observed } from "../core/observed";
import { onlyLookedOn } from "../core/rollout/silence";
import type { State } from "../core/state";
import type { Executor } from "./act";
import type { Journal } from "./journal";
import type { Observer } from "./observe";
import type { Parts } from "./parts";
import { probeTargets } from "./probe-targets";

export interface Tick {
  intent: Intent;
  observed: Observed;
  /** Persisted: it may be acted upon. */
  state: State;
  actions: Action[];
  /** The state is another than before, by more than the note that somebody looked on. */
  changed: boolean;
}

export interface TickTools {
  parts: Parts;
  epoch: number;
  journal: Journal;
  observer: Observer;
  executor: Executor;
}

/** Observe, decide, persist. Throws when the decision could not be persisted, and then it must not be acted upon. */
export async function tick({ parts, epoch, journal, observer, executor }: TickTools): Promise<Tick> {
  executor.beginLook();
  const noted = { launchErrors: executor.launchFailures(), reconfigured: executor.configAnswers() };
  const { routeError } = executor;
  const gateAnswers = executor.gateAnswers();
  const [intent, observed] = await Promise.all([
    observer.intent(),
    observer.look({ ...noted, routeError, gateAnswers }),
  ]);
  if (parts.cloud.follow?.(intent.value.service.spec)) observer.forgetPrices();
  const before = journal.state;
  const decided = decide(intent.value, intent.version, before, observed, parts.clock.now(), epoch);
  const journalled = await journal.persist(decided.state);
  executor.forget(noted);
  parts.prober.watch(probeTargets(decided.state));
  return {
    intent: intent.value,
    observed,
    state: decided.state,
    actions: decided.actions,
    changed: journalled === "written" && (before === null || !onlyLookedOn(before, decided.state)),
  };
}

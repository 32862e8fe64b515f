import type { Action } from "./action";
import { noteConditions } from "./conditions";
import { keepLedger } from "./cost/keep-ledger";
import { Draft, firstState } from "./draft";
import { followDeclarations } from "./fleet/pools";
import { followReplicas } from "./fleet/lifecycle";
import { mixMarkets } from "./fleet/markets";
import { followNotices } from "./fleet/notice";
import { applyMoves, proposeMoves } from "./fleet/moves";
import { noteConfigAnswers, pushConfigs, replaceRefusing } from "./fleet/reconfigure";
import { specOf } from "./fleet/restart";
import { takeBackDrains } from "./fleet/take-back";
import { guard } from "./guard";
import type { Intent } from "./intent";
import type { Observed } from "./observed";
import { followDemand } from "./scale/follow";
import { driveRollout } from "./rollout/drive";
import { noteInForce, route } from "./route";
import type { State } from "./state";

/**
 * Every decision of the product: what is declared, what is so and what is seen, to the next state and the actions that
 * follow from it. Pure and total. The caller persists the state before it acts; every action is idempotent and is asked
 * for again until an observation shows its result, so a crash anywhere is just a later tick.
 *
 * @param state the last persisted state, or null before the first tick
 * @param epoch the caller's fencing number; it is the state's from here on
 */
export function decide(
  intent: Intent,
  intentVersion: number,
  state: State | null,
  observed: Observed,
  now: number,
  epoch: number,
): { state: State; actions: Action[] } {
  const draft = new Draft(state ?? firstState(), now);
  draft.state.epoch = epoch;
  draft.state.intentVersion = intentVersion;

  // The order is the logic: what happened, what is wanted, what the rollout makes of both, what may be done about it.
  noteInForce(draft, observed);
  noteConfigAnswers(draft, observed);
  followReplicas(draft, observed);
  followNotices(draft, intent, observed);
  noteDeletion(draft, intent);
  followDeclarations(draft, intent);
  followDemand(draft, intent, observed);
  takeBackDrains(draft, intent, observed);
  const declared = driveRollout(draft, intent, observed);
  replaceRefusing(draft, declared);
  const goals = mixMarkets(draft, declared, observed);
  applyMoves(draft, guard(draft, goals, proposeMoves(draft, goals, observed)));
  route(draft, intent, goals, observed);
  noteConditions(draft, observed);
  keepLedger(draft, goals, observed);

  actForReplicas(draft);
  pushConfigs(draft);
  if (intent.service.deleting && draft.replicas().length === 0 && draft.state.orphans.length === 0) {
    draft.act({ kind: "dissolve" });
  }
  return { state: withEvents(draft), actions: draft.actions };
}

/** Told once, so that the log shows why the last healthy replicas were ended. */
function noteDeletion(draft: Draft, { service }: Intent): void {
  if (service.deleting && !draft.state.deleting) draft.say({ kind: "serviceDeleting" });
  draft.state.deleting = service.deleting;
}

/** The journal asks again for what it does not see done. */
function actForReplicas(draft: Draft): void {
  for (const replica of draft.replicas()) {
    switch (replica.status) {
      case "launching": {
        const { id, pool, market, zone, shape } = replica;
        const spec = specOf(draft, pool, replica.revision);
        const where = { market, zone, ...(shape !== undefined && { shape }) };
        if (spec !== null) draft.act({ kind: "launch", replicaId: id, pool, spec, ...where });
        break;
      }
      case "restarting": {
        const { id, pool, restarts } = replica;
        const spec = specOf(draft, pool, replica.revision);
        if (spec !== null) draft.act({ kind: "restart", replicaId: id, pool, spec, restarts });
        break;
      }
      case "terminating": {
        const { id, reason } = replica;
        draft.act({ kind: "terminate", replicaId: id, reason: reason ?? "no longer wanted" });
        break;
      }
      case "starting":
      case "ready":
      case "notReady":
      case "draining":
        break;
    }
  }
}

function withEvents(draft: Draft): State {
  const { events, now } = draft;
  const state = draft.finished();
  if (events.length === 0) return state;
  const outbox = events.map((body, index) => ({ seq: state.nextEvent + index, at: now, epoch: state.epoch, ...body }));
  return { ...state, outbox, nextEvent: state.nextEvent + events.length };
}

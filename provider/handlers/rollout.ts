import { pricesIn } from "../clouds";
import { createRollout, deleteRollout, updateRollout } from "../core/declare";
import { canonicalJson } from "../core/digest";
import type { Price } from "../core/cost/price";
import { hasOwnClock, rolloutProgress } from "../core/follow";
import type { RolloutTarget } from "../core/intent";
import { refusals, sharedRoutes, unknownShapes } from "../core/plan/refusals";
import { planRollout } from "../core/plan/rollout-plan";
import { NOTHING_THERE, serves, viewOf, type ServiceView } from "../core/plan/service-view";
import type { PoolFacts } from "../core/spec/facts";
import { incarnationOf, rolloutResourceId } from "../core/spec/identity";
import { rolloutInput, type RolloutInput } from "../core/spec/rollout-input";
import { gateContents, strategyOf } from "../core/spec/strategy-of";
import { hasUnknown, UNKNOWN } from "../core/spec/unknown";
import { targetKey } from "../core/target";
import type { Store } from "../ports/store";
import { checked, declared } from "./checked";
import type { Edge } from "./edge";
import { follow } from "./follow";
import type { Handler, Props } from "./handler";
import { assertThisComputer, upgradeState } from "./old-state";
import { partialFailure } from "./partial-failure";
import { rolloutOutputs, shown } from "./rollout-outputs";
import { targetsOf } from "./targets";
import { givenLimit, within } from "./time-limit";
import { changeIntent, intentIfAny, type Written } from "./write-intent";

const COMPUTED = ["plan", "planStates"] as const;
const STORE_ANSWERS_MS = 500;
/** A rollout that goes back at its own timeout needs time to do so, before waiting for it ends. */
const GOING_BACK_SECONDS = 900;

export function rolloutHandler(edge: Edge): Handler {
  return {
    async check(olds, news) {
      return checked(rolloutInput, news, async (input) => {
        if (hasUnknown(input.pools) || hasUnknown(input.strategy)) {
          return { computed: { plan: UNKNOWN, planStates: UNKNOWN } };
        }
        const failures = sharedRoutes(input.pools);
        if (failures.length > 0) return { failures };
        const view = hasUnknown(input.service) ? null : await serviceView(edge.openStore(input.service));
        const stored = storedPlan(olds, input, view);
        if (stored !== null) return { computed: stored };
        const prices = await pricesOf(edge, input);
        const unknown = unknownShapes(input.pools, prices);
        if (unknown.length > 0) return { failures: unknown };
        return plan(olds, input, view, prices);
      });
    },

    async diff(_id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const replaces = ["project", "stack", "name", "service"].filter((key) => old[key] !== news[key]);
      if (replaces.length > 0) return { replaces };
      const [was, is] = [shown(old), shown(news)];
      const same = ["pools", "strategy", "plan"].every((key) => canonicalJson(was[key]) === canonicalJson(is[key]));
      if (!same || hasUnknown(news["pools"])) return {};
      const target = targetOfFacts(old["pools"] as PoolFacts[]);
      const finished = await within(STORE_ANSWERS_MS, isFinished(edge.openStore(String(old["service"])), target));
      return finished === false ? { changes: true } : {};
    },

    async create(inputs) {
      const { input, store, target, strategy } = await prepare(inputs);
      const written = await changeIntent(store, (intent) => createRollout(intent, target, strategy));
      const id = rolloutResourceId(store.identity, input.name, written.intent.rollout!.incarnation);
      try {
        await bringAbout("create", inputs, written);
        return { id, outs: await rolloutOutputs(store, inputs) };
      } catch (error) {
        throw partialFailure(error, id, await rolloutOutputs(store, inputs), inputs);
      }
    },

    async read(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const store = edge.openStore(String(old["service"]));
      const intent = (await store.exists()) ? await intentIfAny(store) : null;
      if (intent === null || intent.value.rollout === null || !intent.value.rollout.driving)
        return { id: "", props: {} };
      return { id, props: await rolloutOutputs(store, old) };
    },

    async update(id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const { store, target, strategy } = await prepare(news);
      try {
        await bringAbout(
          "update",
          news,
          await changeIntent(store, (intent) => updateRollout(intent, target, strategy)),
        );
        return { outs: await rolloutOutputs(store, news) };
      } catch (error) {
        throw partialFailure(error, id, await rolloutOutputs(store, old), news);
      }
    },

    /** Nothing to wait for: an unfinished rollout holds where it is, and the pools' own deletes end their replicas. */
    async delete(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const store = edge.openStore(String(old["service"]));
      if (!(await store.exists()) || (await intentIfAny(store)) === null) return;
      await changeIntent(store, (intent) => deleteRollout(intent, incarnationOf(id)));
    },
  };

  /** Stores what gates ask before anybody declares them: the agent reads only the store. */
  async function prepare(inputs: Props) {
    const input = rolloutInput.parse(declared(inputs, COMPUTED));
    const store = edge.openStore(input.service);
    for (const [name, content] of gateContents(input.strategy)) await store.putSecret(name, content);
    return { input, store, target: targetOfFacts(input.pools), strategy: strategyOf(input.strategy) };
  }

  async function bringAbout(operation: "create" | "update", inputs: Props, { version }: Written): Promise<void> {
    const { input, store, target, strategy } = await prepare(inputs);
    const given = givenLimit(inputs, operation);
    await follow({
      edge,
      store,
      since: version,
      // A limit of the program's own is the last word; else a rollout that goes forward is over by its own clocks.
      ...(given === null
        ? { seconds: strategy.timeoutSeconds + strategy.capacityWaitSeconds + GOING_BACK_SECONDS, hasOwnClock }
        : { seconds: given }),
      reporter: edge.reporter(input.resourceUrn),
      look: (intent, state) => rolloutProgress(intent, state, target),
    });
  }
}

/** Null: no answer in time, or none that can be read. */
async function serviceView(store: Store): Promise<ServiceView | null> {
  const read = async (): Promise<ServiceView> => {
    const state = (await store.exists()) ? await store.readState() : null;
    return state === null ? NOTHING_THERE : viewOf(state.value);
  };
  return within(
    STORE_ANSWERS_MS,
    read().catch(() => null),
  );
}

/**
 * Prices of the target that the service has, or will have once it exists. They are looked at only when the plan is made
 * anew, so that a price that moves is no difference.
 */
async function pricesOf(edge: Edge, input: RolloutInput): Promise<Price[]> {
  const { service, target, additionalTargets } = input;
  if (hasUnknown(service) || hasUnknown(target) || hasUnknown(additionalTargets)) return [];
  const read = async (): Promise<Price[]> => {
    const store = edge.openStore(service);
    const intent = (await store.exists()) ? await intentIfAny(store) : null;
    return pricesIn(intent?.value.service.spec ?? targetsOf(service, input));
  };
  return (
    (await within(
      STORE_ANSWERS_MS,
      read().catch(() => null),
    )) ?? []
  );
}

/**
 * The last plan, as long as it is the last word: with the same pools and strategy, and carried out or under way. It must
 * come back to the letter, or each preview of an unchanged program would show a change.
 */
function storedPlan(olds: Props, input: RolloutInput, view: ServiceView | null): Props | null {
  const { plan, planStates, pools, strategy } = olds;
  if (plan === undefined || canonicalJson([pools, strategy]) !== canonicalJson([input.pools, input.strategy]))
    return null;
  const isUnderWay = view !== null && view.inFlight === targetKey(targetOfFacts(input.pools));
  return view === null || isUnderWay || serves(input.pools, view) ? { plan, planStates } : null;
}

function plan(olds: Props, input: RolloutInput, view: ServiceView | null, prices: readonly Price[]) {
  const strategy = strategyOf(input.strategy);
  const starts = {
    target: input.pools,
    before: Array.isArray(olds["pools"]) && !hasUnknown(olds["pools"]) ? (olds["pools"] as PoolFacts[]) : null,
    view,
  };
  const failures = refusals(strategy, starts);
  if (failures.length > 0) return { failures };
  const key = targetKey(targetOfFacts(input.pools));
  return { computed: { ...planRollout({ ...starts, strategy, targetKey: key, prices }) } };
}

/** False: in progress, rejected, rolled back by hand, or declared otherwise by somebody else. */
async function isFinished(store: Store, target: RolloutTarget): Promise<boolean> {
  const intent = (await store.exists()) ? await intentIfAny(store) : null;
  if (intent === null || intent.value.rollout?.driving !== true) return false;
  const state = await store.readState();
  return rolloutProgress(intent.value, state?.value ?? null, target).kind === "done";
}

function targetOfFacts(pools: readonly PoolFacts[]): RolloutTarget {
  return Object.fromEntries(pools.map(({ name, revision, specHash }) => [name, { revision, specHash }]));
}

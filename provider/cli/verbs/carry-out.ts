import { ensureAgent } from "../../agent/start";
import { giveCommand } from "../../core/declare";
import { ServeError } from "../../core/errors";
import type { Intent } from "../../core/intent";
import type { State } from "../../core/state";
import type { Store } from "../../ports/store";
import { selectService } from "../services";
import type { Terminal } from "../terminal";
import { refused, situationOf, type Decision, type Order } from "./order";

const WRITE_TRIES = 20;

/**
 * Says it by compare-and-set and sees to it that somebody obeys; whatever becomes of this process, it has been said once
 * or not at all. Refusals are thrown: nothing was written.
 */
export async function carryOut(order: Order, service: string | undefined, terminal: Terminal): Promise<void> {
  const { store, folder } = await selectService(service);
  const decision = await say(order, store);
  await ensureAgent(store, folder);
  switch (decision.kind) {
    case "give":
      for (const line of decision.told) terminal.out(`${line}\n`);
      break;
    case "needless":
      terminal.out(`${decision.line}\n`);
      break;
    case "refused":
      throw new ServeError({ code: "InvalidInput", scope: "input", reasons: [decision.sentence] });
  }
}

async function say(order: Order, store: Store): Promise<Decision> {
  for (let attempt = 1; ; attempt += 1) {
    const [{ version, value: intent }, state] = await Promise.all([store.readIntent(), store.readState()]);
    const decision = judge(order, intent, state?.value ?? null);
    if (decision.kind !== "give") return decision;
    try {
      await store.writeIntent(version, giveCommand(intent, decision.verb));
      return decision;
    } catch (error) {
      const conflict = error instanceof ServeError && error.code === "StoreConflict";
      if (!conflict || attempt === WRITE_TRIES) throw error;
    }
  }
}

/** Nobody obeys a command of a service that is being destroyed, or that no Rollout drives. */
function judge(order: Order, intent: Intent, state: State | null): Decision {
  if (intent.service.deleting) return refused(`The service ${intent.identity} is being destroyed.`);
  if (!intent.rollout?.driving) {
    return refused(`No Rollout drives ${intent.identity}: declare a serve.Rollout and run \`pulumi up\` first.`);
  }
  if (state === null) return refused("The agent has not looked at the service yet: ask again in a moment.");
  return order(situationOf(intent, state));
}

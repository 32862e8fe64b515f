import type { Draft } from "../draft";
import type { Goals } from "../goals";
import type { ConfigAnswer, Observed } from "../observed";
import type { Replica } from "../state";
import { noteFailure } from "./failures";
import { end } from "./lifecycle";
import { specOf } from "./restart";
import { isConfigured, refusalOf } from "./user-config";

/** What replicas said to the userConfig that they were sent. Of one that is leaving or restarting it means nothing any more. */
export function noteConfigAnswers(draft: Draft, observed: Observed): void {
  for (const [id, answer] of Object.entries(observed.reconfigured)) {
    const replica = draft.replica(id);
    if (replica === undefined || !mayTakeConfig(replica)) continue;
    switch (answer.outcome) {
      case "acknowledged":
        if (replica.configured === answer.hash) break;
        draft.patchReplica(id, { configured: answer.hash, refusedConfig: null });
        draft.say({ kind: "replicaReconfigured", replica: id, config: answer.hash });
        break;
      case "refused":
        noteRefusal(draft, replica, answer);
        break;
    }
  }
}

/** A replica that never served has failed; one that serves goes on with the config that it has. */
function noteRefusal(draft: Draft, replica: Replica, { hash, reason }: ConfigAnswer): void {
  const declared = specOf(draft, replica.pool, replica.revision)?.userConfig;
  if (declared?.hash !== hash || replica.refusedConfig?.hash === hash) return;
  const words = reason ?? "no reason given";
  const refused = draft.patchReplica(replica.id, { refusedConfig: { hash, reason: words } });
  draft.say({ kind: "configRefused", replica: replica.id, config: hash, reason: words });
  if (refused.status !== "starting") return;
  const sentence = `it refused the userConfig (${declared.method} ${declared.path}): ${words}`;
  noteFailure(draft, refused, sentence, "enough");
  end(draft, refused, sentence);
}

/**
 * With `onRefusal: "replace"` a serving replica that refuses is drained, so that the usual repair puts a new one in its
 * place, which must take the config before it is ready. One at a time, and only while everything else is well: all of
 * the pool's replicas are ready, so there is always another one; no rollout moves it, as its plan counts on what is
 * ready; and no start has failed lately, as then the new ones refuse too and the old ones are the better choice.
 */
export function replaceRefusing(draft: Draft, goals: Goals): void {
  const pools = Object.entries(goals.pools).filter(([name, goal]) => {
    const { primary, failures } = draft.pool(name);
    return primary?.userConfig?.onRefusal === "replace" && failures === null && !goal.moving && !goal.leaving;
  });
  if (pools.length === 0) return;
  const census = draft.census();
  for (const [name, goal] of pools) {
    const spec = draft.pool(name).primary!;
    const { primary, total } = census[name]!;
    const ready = primary.ready.length;
    if (ready < 2 || ready !== total || ready < goal.primary.replicas) continue;
    const refusing = primary.ready.find((replica) => refusalOf(replica, spec) !== null);
    if (refusing === undefined) continue;
    const reason = `it refused the userConfig: ${refusalOf(refusing, spec)}`;
    // That it is not ready for what is declared is its own word; all that we do is to let its requests end.
    draft.say({ kind: "replicaNotReady", replica: refusing.id, reason });
    draft.patchReplica(refusing.id, {
      status: "draining",
      reason,
      drainSince: draft.now,
      drainDeadline: draft.now + spec.drainSeconds * 1000,
      drainGeneration: null,
      afterDrain: { kind: "end" },
    });
    draft.say({ kind: "replicaDraining", replica: refusing.id, reason });
  }
}

/** Sends the declared userConfig to whoever has neither taken nor refused it, again at each tick until it answers. */
export function pushConfigs(draft: Draft): void {
  for (const replica of draft.replicas()) {
    const spec = specOf(draft, replica.pool, replica.revision);
    if (spec === null) continue;
    // Another config is declared: what was refused may be declared again one day, and is then asked for anew.
    if (replica.refusedConfig !== null && refusalOf(replica, spec) === null) {
      draft.patchReplica(replica.id, { refusedConfig: null });
    }
    const { id, address } = replica;
    if (address === null || !isReachable(replica) || isConfigured(replica, spec) || refusalOf(replica, spec) !== null) {
      continue;
    }
    draft.act({ kind: "reconfigure", replicaId: id, address, spec });
  }
}

/** A starting replica is asked as soon as its probes pass: before that nobody listens. */
function isReachable(replica: Replica): boolean {
  return replica.status === "ready" || (replica.status === "starting" && replica.passingSince !== null);
}

function mayTakeConfig({ status }: Replica): boolean {
  return status === "starting" || status === "ready" || status === "notReady";
}

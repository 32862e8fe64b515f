import type { Verb } from "../command";
import { digest, sameJson } from "../digest";
import type { Draft } from "../draft";
import type { Intent } from "../intent";
import { sameCapacity } from "../scale/rollout";
import type { PoolSpec } from "../spec/pool";
import type { KeptVersion } from "../state";
import type { Strategy } from "../strategy";
import { targetKey, targetOf } from "../target";
import { unproved } from "./kept";
import { launchRollout } from "./start";
import { currentVersion } from "./version";

type Rollback = Extract<Verb, { kind: "rollback" }>;

/**
 * Brings a kept version back after a promotion: an ordinary rollout to it, that no gate stops. What the program declares
 * is rejected from here on, so that no `up` undoes what the operator did. Returns what happened, for the log.
 */
export function restoreKept(draft: Draft, intent: Intent, verb: Rollback): string {
  const kept = draft.state.history.find(({ version }) => verb.toVersion === null || version === verb.toVersion);
  if (kept === undefined)
    return verb.toVersion === null ? "no version is kept" : `version ${verb.toVersion} is not kept`;
  const declared = intent.rollout;
  if (declared === null) return "no Rollout is declared";
  const specs = changedSpecs(draft, kept);
  if (specs.length === 0) return `version ${kept.version} serves already`;

  const version = currentVersion(draft.state) ?? 0;
  const reason = `an operator rolled it back to version ${kept.version} (pulumi-serve rollout rollback)`;
  launchRollout(draft, {
    target: targetOf(specs),
    specs,
    declared: declared.target,
    strategy: restoring(declared.strategy, verb),
    origin: { kind: "operator", reason },
    bringsBack: kept.version,
  });
  const rejection = { reason, cause: "operator" as const, at: draft.now, version };
  draft.state.rejected = { ...draft.state.rejected, [targetKey(declared.target)]: rejection };
  return `to version ${kept.version}`;
}

/** Code and probes of then, for the load of today. */
function changedSpecs(draft: Draft, kept: KeptVersion): PoolSpec[] {
  return Object.entries(kept.pools).flatMap(([name, spec]) => {
    const serving = draft.state.pools[name]?.primary;
    if (!serving || serving.revision === spec.revision) return [];
    return [forToday(spec, serving)];
  });
}

/** What nobody declared like this has a hash of its own: by the old one, a program that says the old would change nothing. */
function forToday(spec: PoolSpec, serving: PoolSpec): PoolSpec {
  const { route } = serving;
  const { replicas, scaling } = sameCapacity(serving, spec);
  if (spec.replicas === replicas && spec.route === route && sameJson(spec.scaling, scaling)) return spec;
  return { ...spec, replicas, scaling, route, specHash: digest([spec.specHash, replicas, scaling, route]) };
}

/** Nothing of a replaced version is up, so it comes back as it went; only its own surge can make that gentler. */
function restoring(strategy: Strategy, { mode }: Rollback): Strategy {
  const plain = unproved(strategy);
  if (mode?.mode === "gradual") {
    return { ...plain, kind: "surge", maxSurgePercent: mode.maxSurgePercent, canaryPercent: null };
  }
  return plain.kind === "surge" ? { ...plain, canaryPercent: null } : plain;
}

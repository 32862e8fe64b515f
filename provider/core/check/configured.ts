import { inOrder, violation, type InvariantCheck } from "./step";

/** A program that starts is ready only after it has acknowledged the userConfig that is declared for its revision. */
export const configured: InvariantCheck = (step) => {
  if (!step.events.some(({ kind }) => kind === "replicaReady")) return [];
  return inOrder(step, (event, { replicas, configs }) => {
    if (event.kind !== "replicaReady") return [];
    const replica = replicas.get(event.replica);
    // One that served before goes on with the config that it has.
    if (replica === undefined || replica.phase === "notReady") return [];
    const declared = configs[replica.pool]?.[replica.revision] ?? null;
    if (declared === null || replica.config === declared) return [];
    const has = replica.config === null ? "none" : replica.config;
    const sentence = `Replica ${replica.id} became ready with the userConfig ${has}; ${declared} was declared.`;
    return [violation("configured", event, sentence)];
  });
};

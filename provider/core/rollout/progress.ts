import { censusOf } from "../fleet/census";
import type { RolloutProgress, State } from "../state";

/** One line: where the rollout is and what it waits for. Changes only when something changed, never with the clock. */
export function describeProgress(state: State, rollout: RolloutProgress): string {
  const census = censusOf(state);
  const counts = rollout.pools.map(({ name }) => {
    const { canary, primary } = census[name]!;
    const label = rollout.pools.length > 1 ? `${name}: ` : "";
    return `${label}canary ${canary.ready.length}/${canary.all.length} ready, primary ${primary.ready.length}/${primary.all.length}`;
  });
  const { canary, primary } = state.routing.weights;
  const traffic = `traffic ${Math.round((100 * canary) / (canary + primary))} %`;
  const line = [...counts, traffic].join("; ");
  switch (rollout.direction.kind) {
    case "forward": {
      const { kind, percent } = rollout.plan[rollout.cursor]!;
      return `step ${rollout.cursor}/${rollout.plan.length - 1} ${kind} (${percent} %): ${line}${waitsFor(state, rollout)}`;
    }
    case "back":
      return `rolling back: ${line}; ${rollout.direction.reason}${troubleOf(state)}`;
  }
}

function troubleOf({ conditions }: State): string {
  const trouble = conditions.find(({ kind }) => kind === "noCapacity" || kind === "replicaFailing");
  return trouble === undefined ? "" : `; ${trouble.message}`;
}

function waitsFor(state: State, { paused, settledAt, gate, cursor, strategy }: RolloutProgress): string {
  const trouble = troubleOf(state);
  if (trouble !== "") return trouble;
  if (paused !== null) return "; paused by an operator: `pulumi-serve rollout resume` lets it go on";
  if (settledAt === null) return "";
  if (gate?.cursor === cursor && gate.verdict.kind === "inconclusive")
    return `; the gate waits: ${gate.verdict.reason}`;
  return strategy.bakeSeconds > 0 ? `; baking for ${strategy.bakeSeconds} s` : "";
}

import { pricesFor, tellShapesApart, type Price } from "../cost/price";
import { failure, type CheckFailure } from "../spec/check-result";
import type { PoolFacts } from "../spec/facts";
import type { Strategy } from "../strategy";
import { classify } from "./classify";
import { movingOf, startsOf, type StartsRequest } from "./starts";

/** A request must not have two pools to go to. The program is told so earlier where it knows its routes. */
export function sharedRoutes(pools: readonly PoolFacts[]): CheckFailure[] {
  return pools.flatMap(({ name, route }, at) => {
    const other = pools.slice(0, at).find((earlier) => earlier.route === route);
    if (other === undefined) return [];
    const sentence = `pools "${other.name}" and "${name}" have the same route "${route}": give each its own \`route\``;
    return [failure(["pools"], sentence)];
  });
}

/** A machine that no zone has would be waited for in vain. Without any price nothing is known of zones. */
export function unknownShapes(pools: readonly PoolFacts[], prices: readonly Price[]): CheckFailure[] {
  if (!tellShapesApart(prices)) return [];
  const known = [...new Set(prices.flatMap(({ shape }) => shape ?? []))].join(", ");
  return pools.flatMap(({ name, shapes = [] }) =>
    shapes
      .filter((shape) => pricesFor(prices, shape).length === 0)
      .map((shape) => {
        const asked = `template.resources.accelerators of pool "${name}" ask for ${shape}`;
        return failure(["pools"], `${asked}, which no zone of the service's targets has: they have ${known}`);
      }),
  );
}

/** What makes this change impossible by this strategy; what is wrong with the strategy alone, its own rules refuse. */
export function refusals(strategy: Strategy, request: StartsRequest): CheckFailure[] {
  if (strategy.kind !== "inPlace") return [];
  return movingOf(startsOf(request)).flatMap(({ from, pool }) => {
    if (from === null) return [];
    const change = classify(from, pool);
    if (change.kind === "replace") {
      const sentence = `pool "${pool.name}" needs other machines (${change.parts.join(", ")}), and inPlace keeps those that it has: use the kind "surge" or "rolling" for this change`;
      return [failure(["strategy", "kind"], sentence)];
    }
    if (Math.min(from.replicas, pool.replicas) === 1 && !strategy.allowOutage) {
      const sentence = `pool "${pool.name}" has one replica, and while that restarts in place none serves: set this to true, give the pool more replicas, or use the kind "surge"`;
      return [failure(["strategy", "allowOutage"], sentence)];
    }
    return [];
  });
}

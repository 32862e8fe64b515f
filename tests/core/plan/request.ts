import { NOTHING_THERE, type ServiceView } from "../../../provider/core/plan/service-view";
import { factsOf, type PoolFacts } from "../../../provider/core/spec/facts";
import { poolInput } from "../../../provider/core/spec/pool-input";
import { poolSpec } from "../../../provider/core/spec/pool-spec";
import { surge } from "../strategies";

export function pool(
  run: string,
  changes: { name?: string; template?: object; [key: string]: unknown } = {},
): PoolFacts {
  const owner = { project: "shop", stack: "dev", name: "gpu", service: "shop/dev/chat" };
  const template = { run, ...changes.template };
  const input = { ...owner, replicas: 4, bootSeconds: 8, drainSeconds: 10, ...changes, template };
  return factsOf(poolSpec(poolInput.parse(input), null));
}

export function serving(...pools: PoolFacts[]): ServiceView {
  return { ...NOTHING_THERE, serving: Object.fromEntries(pools.map((each) => [each.name, each])) };
}

export const [A, B] = [pool("a"), pool("b")];
export const request = { targetKey: "key", before: [A], view: serving(A), strategy: surge(25) };

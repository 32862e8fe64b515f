import { canaryShare } from "./share";
import { poolsWithBoth, readyVersion } from "./shares";
import { violation, type InvariantCheck } from "./step";

/** A blueGreen rollout, back or forward, never gives both versions traffic, neither in a pool nor over its pools. */
export const noMixing: InvariantCheck = ({ events, after }) => {
  const { rollout } = after;
  if (rollout?.strategy !== "blueGreen") return [];
  return events.flatMap((event) => {
    if (event.kind !== "routed") return [];
    // A pool in which one version has nobody left is served by the other, whatever the others do.
    const pools = poolsWithBoth(rollout).filter(({ name }) => {
      const { canary, primary } = event.pools[name] ?? {};
      return canary && primary && canary.replicas.length > 0 && primary.replicas.length > 0;
    });
    const takers = pools.map(({ name }) => ({ name, share: canaryShare(event.pools[name]) }));
    const mixed = takers.find(({ share }) => share.part > 0 && share.part < share.whole);
    if (mixed !== undefined) {
      const { part, whole } = mixed.share;
      const sentence = `Pool "${mixed.name}" has both versions in one routing (canary ${part}, primary ${whole - part}).`;
      return [violation("noMixing", event, sentence)];
    }
    // Where one version took over from the other, which was lost, it serves until that one is whole again.
    const broken = new Set(
      pools.filter(({ name, to }) => readyVersion(after, rollout, name, "to") < to).map(({ name }) => name),
    );
    const steady = takers.filter(({ name }) => {
      return !rollout.fled.has(name) && !(rollout.fellBack.has(name) && broken.has(name));
    });
    const canary = steady.find(({ share }) => share.part > 0);
    const primary = steady.find(({ share }) => share.part === 0);
    if (canary === undefined || primary === undefined) return [];
    const sentence = `Pool "${canary.name}" was cut over and pool "${primary.name}" was not, in one routing.`;
    return [violation("noMixing", event, sentence)];
  });
};

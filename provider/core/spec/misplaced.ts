/** Names that belong elsewhere, or that another system gives to what we have: each with where it is. */
const ELSEWHERE: Record<string, string> = {
  tokens: "`balancer.tokens`",
  tls: "`balancer.tls`",
  certificate: "`balancer.tls.certificate`",
  privateKey: "`balancer.tls.privateKey`",
  headSeconds: "`balancer.limits.headSeconds`",
  bodySeconds: "`balancer.limits.bodySeconds`",
  idleSeconds: "`balancer.limits.idleSeconds`",
  stalledSeconds: "`balancer.limits.stalledSeconds`",
  maxConnections: "`balancer.limits.maxConnections`",
  spot: "`capacity.spot`",
  baseOnDemandReplicas: "`capacity.spot.baseOnDemandReplicas`",
  dynamicOnDemandFallback: "`capacity.spot.dynamicOnDemandFallback`",
  numOverprovision: "`capacity.spot.numOverprovision`",
  graceSeconds: "`capacity.spot.graceSeconds`",
  cautionSeconds: "`capacity.spot.cautionSeconds`",
  minFallbackSeconds: "`capacity.spot.minFallbackSeconds`",
  fallbackBudget: "`capacity.spot.fallbackBudget`",
  fallbackAtStart: "`capacity.spot.fallbackAtStart`",
  gpu: "`template.resources.accelerators`",
  gpus: "`template.resources.accelerators`",
  useSpot: "`capacity.spot`, which asks for spot by being there",
  baseOndemandFallbackReplicas: "`capacity.spot.baseOnDemandReplicas`",
  dynamicOndemandFallback: "`capacity.spot.dynamicOnDemandFallback`",
};

/** The sentence for a field that is given where it is not read; null for any other name. */
export function misplaced(name: string): string | null {
  const place = ELSEWHERE[name];
  return place === undefined ? null : `There is no field \`${name}\` here: give it as ${place}.`;
}

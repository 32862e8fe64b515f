import * as pulumi from "@pulumi/pulumi";
import type { BalancerArgs } from "./serve-service";

/** The balancer's declaration with its private key as a secret, whatever the program made of it: never in clear in a state. */
export function sealingKey(balancer: BalancerArgs): BalancerArgs {
  const { tls } = balancer;
  if (tls?.privateKey === undefined) return balancer;
  return { ...balancer, tls: { ...tls, privateKey: pulumi.secret(tls.privateKey) } };
}

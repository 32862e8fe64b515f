import type { BalancerSpec } from "../../core/spec/pool";
import type { Runtime } from "./runtime";

/** As HAProxy's own converter spells them. */
function hashesOf({ tokens = [] }: BalancerSpec): string[] {
  return tokens.map((token) => token.slice(token.indexOf(":") + 1).toUpperCase());
}

export function renderTokens(balancer: BalancerSpec): string {
  return hashesOf(balancer)
    .map((hash) => `${hash}\n`)
    .join("");
}

/** New ones first: whoever changes from one to the other is let in at every moment. */
export async function putTokens(runtime: Runtime, file: string, balancer: BalancerSpec): Promise<void> {
  const wanted = new Set(hashesOf(balancer));
  const answer = await runtime.ask(`show acl ${file}`);
  // A process from before there were any; its clients are asked to connect anew with their next answer.
  if (/^Unknown ACL/.test(answer)) return;
  const present = new Set([...answer.matchAll(/^0x[0-9a-f]+ (\S+)$/gm)].map(([, hash]) => hash!));
  for (const hash of wanted) if (!present.has(hash)) await runtime.order(`add acl ${file} ${hash}`);
  for (const hash of present) if (!wanted.has(hash)) await runtime.order(`del acl ${file} ${hash}`);
}

import { currentVersion } from "./rollout/version";
import type { Rejection, State } from "./state";

/**
 * What serves, what the program wants instead, why it does not get it, and what `pulumi up` makes of that: the same words
 * in `up`, `status` and `rollout status`.
 */
export function rejectedReasons(state: State, { version, reason }: Rejection): [string, ...string[]] {
  const serving = currentVersion(state);
  const what = serving === null ? "what served before serves" : `version ${serving} serves`;
  return [
    `version ${version}, which the program declares, was rolled back and is rejected: ${reason}; ${what}, and \`pulumi up\` moves nothing`,
    `change the program (its spec, or back to what serves) or run \`pulumi-serve rollout retry\` to try version ${version} again`,
  ];
}

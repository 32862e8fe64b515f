import type { PoolFacts } from "../spec/facts";
import { changedParts } from "./classify";

/** The warning that a new template under an old version string goes nowhere; null: there is no such thing to say. */
export function unchangedVersion(serving: PoolFacts, declared: PoolFacts): string | null {
  const parts = changedParts(serving, declared);
  if (declared.version === null || declared.revision !== serving.revision || parts.length === 0) return null;
  return (
    `version "${declared.version}" of pool "${declared.name}" is unchanged but its template differs ` +
    `(${parts.join(", ")}): nothing is redeployed; give it another version`
  );
}

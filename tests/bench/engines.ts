import type { EngineKind } from "../../provider/core/spec/pool";
import { findHaproxy } from "../../provider/dataplane/haproxy/binary";

/** The engines that are on this computer; one that is not is named. */
export function engines(): EngineKind[] {
  const haproxy = findHaproxy();
  if (haproxy.kind === "found") return ["embedded", "haproxy"];
  process.stderr.write(`haproxy is skipped: ${haproxy.reason}\n`);
  return ["embedded"];
}

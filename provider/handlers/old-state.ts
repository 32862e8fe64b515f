import { ServeError } from "../core/errors";
import { computerId } from "../host/computer";
import type { Props } from "./handler";

/** Format of the outputs that this release writes. */
export const SCHEMA_VERSION = 1;

/**
 * Outputs of any earlier release in the form of this one; at the top of every handler that gets old state, as Pulumi
 * never migrates it. There is one format so far.
 */
export function upgradeState(props: Props): Props {
  const version = Number(props["schemaVersion"] ?? SCHEMA_VERSION);
  if (version <= SCHEMA_VERSION) return props;
  throw new ServeError({
    code: "Unsupported",
    scope: "input",
    reasons: [
      `The state of ${String(props["name"])} was written by a newer pulumi-serve (format ${version}, this one knows ${SCHEMA_VERSION}): run \`npm install pulumi-serve@latest\` in this project.`,
    ],
  });
}

/**
 * The store of a `local` service lies on one computer. On another one it is missing and must not look deleted: Pulumi
 * would forget a live service.
 */
export function assertThisComputer(props: Props): void {
  const computer = props["computer"];
  if (typeof computer !== "string" || computer === computerId()) return;
  throw new ServeError({
    code: "StoreElsewhere",
    scope: "store",
    reasons: [
      `${String(props["serviceId"] ?? props["service"])} runs on another computer (${computer}), where its store and its replicas are: run pulumi there. Nothing was changed.`,
    ],
  });
}

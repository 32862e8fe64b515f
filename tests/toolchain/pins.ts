/**
 * The exact versions that tests and demo run with. The go.mod files under `go/` name the same ones, with the hash of
 * everything that is compiled; a test holds them together.
 */
export const pins = {
  /** What is brought when nothing new enough is on PATH. */
  cli: "3.259.0",
  /** The last release of Pulumi's sdk module that still contains the Node language host; it serves newer CLIs well. */
  languageHost: "3.68.0",
  /** The oldest `pulumi` on PATH that is taken: as new as the SDK in package-lock.json. */
  oldestCli: "3.248.0",
} as const;

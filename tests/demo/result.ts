import Table from "cli-table3";

/** What `--json FILE` gets: the promises of the product as numbers. */
export interface DemoResult {
  requests: number;
  failed: number;
  streamsCut: number;
  /** Responses that had begun on the replica that the demo killed: each visibly truncated. */
  streamsCutByKill: number;
  peakReplicas: number;
  cap: number;
  rolloutSeconds: number;
  criticalPathSeconds: number;
  leftovers: number;
}

/** All that one run has measured: the promises, and what a person looks at besides. */
export interface DemoRun {
  result: DemoResult;
  /** Least ready capacity seen from outside while the rollout ran, until the kill; null: no sample was taken. */
  readyMin: number | null;
}

/** The sentences that must not be true; empty: the demo has shown what it claims. */
export function broken(result: DemoResult): string[] {
  const sentences: string[] = [];
  if (result.requests === 0) sentences.push("no request was made");
  if (result.failed > 0) sentences.push(`${result.failed} requests failed`);
  if (result.streamsCut > 0) sentences.push(`${result.streamsCut} responses were cut`);
  if (result.leftovers > 0) sentences.push(`${result.leftovers} things were left over after destroy`);
  if (result.peakReplicas > result.cap) {
    sentences.push(`${result.peakReplicas} replicas ran at once, ${result.cap} are allowed`);
  }
  return sentences;
}

export function table({ result, readyMin }: DemoRun): string {
  const { rolloutSeconds, criticalPathSeconds } = result;
  const ratio =
    criticalPathSeconds > 0 ? ` (${(rolloutSeconds / criticalPathSeconds).toFixed(2)} x critical path)` : "";
  const rows: [string, string][] = [
    ["requests", String(result.requests)],
    ["failed", String(result.failed)],
    ["responses cut", String(result.streamsCut)],
    ["responses cut by the kill", String(result.streamsCutByKill)],
    ["replicas at once", `${result.peakReplicas} of at most ${result.cap}`],
    ["ready at least", readyMin === null ? "-" : String(readyMin)],
    ["rollout", `${rolloutSeconds.toFixed(1)} s${ratio}`],
    ["left over after destroy", String(result.leftovers)],
  ];
  const drawn = new Table({ style: { head: [], border: [] } });
  drawn.push(...rows);
  return drawn.toString();
}

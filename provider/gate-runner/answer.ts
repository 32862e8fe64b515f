import { withoutValues } from "../core/hide";
import type { GateAnswer } from "../core/observed";

export const AGENT_ENDS: GateAnswer = { outcome: "unreachable", reason: "the agent ended before there was an answer" };

const LINES = 3;
const LINE_LENGTH = 200;

/**
 * The last lines of what a gate said, as the tail of a sentence; it is shown to people and kept in the event log, so that
 * what is secret of the gate is left out of it. Before anything is cut: a piece of a secret would not be known.
 */
export function quoted(said: string, secrets: unknown): string {
  const lines = withoutValues(secrets, said)
    .split("\n")
    // Control characters would colour or clear the terminal of whoever reads the sentence.
    .map((line) => line.replace(/\p{Cc}/gu, " ").trim())
    .filter((line) => line !== "")
    .slice(-LINES)
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}...` : line));
  return lines.length === 0 ? "" : `: ${lines.join(" / ")}`;
}

import type { GateAnswer } from "../core/observed";

export const AGENT_ENDS: GateAnswer = { outcome: "unreachable", reason: "the agent ended before there was an answer" };

const LINES = 3;
const LINE_LENGTH = 200;

/** The last lines of what a gate said, as the tail of a sentence; it is shown to people and kept in the event log. */
export function quoted(said: string): string {
  const lines = said
    .split("\n")
    // Control characters would colour or clear the terminal of whoever reads the sentence.
    .map((line) => line.replace(/\p{Cc}/gu, " ").trim())
    .filter((line) => line !== "")
    .slice(-LINES)
    .map((line) => (line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)}...` : line));
  return lines.length === 0 ? "" : `: ${lines.join(" / ")}`;
}

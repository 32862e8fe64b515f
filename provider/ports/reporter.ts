/** Where progress goes: Pulumi's Info column, a terminal, a test's list. One line a change, never one a poll. */
export interface Reporter {
  info(line: string): void;
  warn(line: string): void;
}

import type { Command } from "../command";
import type { Draft } from "../draft";
import type { Intent } from "../intent";

/** Commands that no tick has obeyed yet, oldest first. */
export function freshCommands(draft: Draft, intent: Intent): Command[] {
  return intent.commands.given.filter(({ seq }) => seq > draft.state.commandsSeen);
}

import { sentenceOf } from "../core/errors";
import type { GateRunner } from "../ports/gate-runner";
import { AGENT_ENDS } from "./answer";
import { runCommand } from "./command";
import { askWebhook } from "./webhook";

/** Runs gates from this process: commands as its children, webhooks over HTTP. */
export function createGateRunner(): GateRunner {
  const closing = new AbortController();
  return {
    run: async (gate, timeoutSeconds, facts) => {
      if (closing.signal.aborted) return AGENT_ENDS;
      try {
        switch (gate.kind) {
          case "command":
            return await runCommand(gate, timeoutSeconds, facts, closing.signal);
          case "webhook":
            return await askWebhook(gate, timeoutSeconds, facts, closing.signal);
        }
      } catch (error) {
        return { outcome: "unreachable", reason: `it could not be asked: ${sentenceOf(error)}` };
      }
    },
    close: () => closing.abort(),
  };
}

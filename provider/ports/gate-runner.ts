import type { GateContent, GateFacts } from "../core/gate/external";
import type { GateAnswer } from "../core/observed";

/** Asks commands and webhooks whether a rollout may go on. */
export interface GateRunner {
  /** Never throws: what cannot be asked is an answer too, "unreachable". The reason quotes no secret of the gate. */
  run(gate: GateContent, timeoutSeconds: number, facts: GateFacts): Promise<GateAnswer>;
  /** Ends whatever still runs; its answer is "unreachable". Nothing is run after it. */
  close(): void;
}

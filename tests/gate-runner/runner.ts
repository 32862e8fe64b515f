import type { ExternalGate, GateFacts } from "../../provider/core/gate/external";
import { createGateRunner } from "../../provider/gate-runner";

/** A process that asks one gate, so that it can be killed meanwhile. */
const [gate, facts] = process.argv.slice(2).map((each) => JSON.parse(each) as unknown);
void createGateRunner().run(gate as ExternalGate, facts as GateFacts);

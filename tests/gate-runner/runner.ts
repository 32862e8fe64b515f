import type { GateContent, GateFacts } from "../../provider/core/gate/external";
import { createGateRunner } from "../../provider/gate-runner";

/** A process that asks one gate, so that it can be killed meanwhile. */
const [gate, timeoutSeconds, facts] = process.argv.slice(2).map((each) => JSON.parse(each) as unknown);
void createGateRunner().run(gate as GateContent, timeoutSeconds as number, facts as GateFacts);

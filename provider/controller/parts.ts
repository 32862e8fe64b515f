import type { Clock } from "../ports/clock";
import type { Cloud } from "../ports/cloud";
import type { Configurer } from "../ports/configurer";
import type { DataPlane } from "../ports/dataplane";
import type { GateRunner } from "../ports/gate-runner";
import type { Prober } from "../ports/prober";
import type { Reporter } from "../ports/reporter";
import type { Store } from "../ports/store";

/** What one controller works with: one service, one of each. */
export interface Parts {
  store: Store;
  cloud: Cloud;
  dataplane: DataPlane;
  prober: Prober;
  gateRunner: GateRunner;
  configurer: Configurer;
  clock: Clock;
  /** The agent's log. */
  reporter: Reporter;
}

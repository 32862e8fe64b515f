import assert from "node:assert/strict";
import { planRollout } from "../../../provider/core/plan/rollout-plan";
import { NOTHING_THERE } from "../../../provider/core/plan/service-view";
import { factsOf } from "../../../provider/core/spec/facts";
import { serviceRevision } from "../../../provider/core/target";
import { poolSpec } from "../../simulation/intents";
import { surge } from "../strategies";

describe("the plan that preview shows of a way back by program", () => {
  it("has no bakes and gates where the version served before and is kept, and says so", () => {
    const [a, b] = [factsOf(poolSpec("p", "a", 4)), factsOf(poolSpec("p", "b", 4))];
    const gates = [{ kind: "command" as const, secret: "smoke-test", timeoutSeconds: 60 }];
    const strategy = surge(50, { bakeSeconds: 30, gates });
    const request = { targetKey: "key", before: [b], target: [a], strategy };
    const view = { ...NOTHING_THERE, serving: { p: b } };
    const kept = [{ version: 1, serviceRevision: serviceRevision([a]) }];
    const { plan } = planRollout({ ...request, view: { ...view, kept } });
    assert.match(plan.summary, /; back to version 1, which served before: no bake and no gate holds it up$/);
    assert.deepEqual(plan.notes, []);
    assert.equal(planRollout({ ...request, view }).plan.notes.length, 2, "a new version bakes and is judged");
  });
});

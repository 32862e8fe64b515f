import { Deployment } from "./harness/deployment";
import { killAgent, killCli, killDataPlane, killReplica } from "./harness/kills";

/** One moment of each kind, the same in every run; `npm run soak` takes ten random ones of each. */
const MOMENT = 0.4;

describe("a rollout under load, in the middle of which something is killed", function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up();
  });
  after(() => deployment?.dispose());

  it("loses no request and comes to its end when the CLI is killed, after pulumi cancel and up", () =>
    killCli(deployment, MOMENT));

  it("loses no request and comes to its end when the agent is killed", () => killAgent(deployment, MOMENT));

  it("loses nothing but what had begun on it when a replica is killed", () => killReplica(deployment, MOMENT));

  it("answers again within a second when the data plane is killed, and comes to its end", () =>
    killDataPlane(deployment, MOMENT));

  it("destroys what is left without a trace", async () => {
    await deployment.workspace.must("destroy", "--yes", "--skip-preview");
    await deployment.assertNothingLeft();
  });
});

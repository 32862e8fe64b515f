import { Deployment } from "../e2e/harness/deployment";
import { killAgent, killCli, killDataPlane, killReplica } from "../e2e/harness/kills";

/** Another seed, other moments: SOAK_SEED=7 npm run soak. The seed is in the title, so that a failure can be repeated. */
const seed = Number(process.env["SOAK_SEED"] ?? Date.now() % 100_000);
const TIMES = 10;

describe(`ten random moments of each kill (SOAK_SEED=${seed})`, function () {
  this.timeout(300_000);
  let deployment: Deployment;

  before(async () => {
    deployment = await Deployment.up();
  });
  after(() => deployment?.dispose());

  const random = randomFrom(seed);
  for (const [name, act] of Object.entries({ killCli, killAgent, killDataPlane, killReplica })) {
    for (let time = 1; time <= TIMES; time++) {
      const moment = random();
      it(`${name} ${time}/${TIMES}, after ${(moment * 100).toFixed(0)} % of a rollout`, () => act(deployment, moment));
    }
  }
});

/** Numbers in 0..1 that are the same for the same seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

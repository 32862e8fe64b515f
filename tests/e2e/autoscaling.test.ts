import assert from "node:assert/strict";
import { Deployment } from "./harness/deployment";
import { eventually } from "./harness/eventually";

const TARGET_QPS = 5;
const CAPACITY = {
  min: 0,
  max: 4,
  targetQpsPerReplica: TARGET_QPS,
  upscaleDelaySeconds: 1,
  downscaleDelaySeconds: 2,
  windowSeconds: 2,
};

describe("an autoscaled pool, through the CLI and under load", function () {
  this.timeout(300_000);
  let deployment: Deployment;
  let arrivals: Arrivals;

  before(async () => {
    deployment = await Deployment.prepare();
    const { workspace } = deployment;
    workspace.replace(
      "index.ts",
      `replicas: config.getNumber("replicas") ?? 4`,
      `capacity: config.requireObject<serve.CapacityArgs>("capacity")`,
    );
    await workspace.configure({ capacity: JSON.stringify(CAPACITY) });
    await workspace.mustUp();
    arrivals = new Arrivals(deployment.url);
  });
  after(async () => {
    await arrivals?.stop();
    await deployment?.dispose();
  });

  /** As many as the load asks for, all of them ready and nothing else running. */
  async function has(replicas: number): Promise<void> {
    await eventually(
      `${replicas} replicas`,
      async () => {
        const state = await deployment.service.state();
        const all = Object.values(state?.replicas ?? {});
        const target = state?.pools["chat-model"]?.primary?.replicas;
        return target === replicas && all.length === replicas && all.every(({ status }) => status === "ready");
      },
      { seconds: 120 },
    );
  }

  it("has what a load needs that doubles, halves, goes to zero and comes back, and loses no request", async () => {
    arrivals.perSecond = 8;
    await has(2);
    arrivals.perSecond = 16;
    await has(4);
    arrivals.perSecond = 8;
    await has(2);
    arrivals.perSecond = 0;
    await has(0);
    const { output } = await deployment.workspace.mustServe("status");
    assert.match(output, /Pool chat-model: autoscaled 0\.\.4, 0 now; last from \d to 0: 0 requests\/s over 2 s/);
    arrivals.perSecond = 8;
    await has(2);
    await arrivals.stop();
    assert.deepEqual(arrivals.troubles, []);
    assert.ok(arrivals.answered > 50, `${arrivals.answered} requests`);
  });

  it("said for each change why, and each follows the rule", async () => {
    const scaled = (await deployment.service.events()).filter((event) => event.kind === "scaled");
    const counts = scaled.map(({ to }) => to);
    for (const count of [2, 4, 0]) assert.ok(counts.includes(count), `${count} in ${counts.join(", ")}`);
    for (const { from, to, reason } of scaled) {
      const qps = Number(/^(\S+) requests\/s/.exec(reason)?.[1] ?? NaN);
      // The sentence has three digits of the rate, so that a bound of the rule may be missed by that much.
      const [least, most] = [0.995, 1.005].map((about) =>
        Math.min(CAPACITY.max, Math.ceil((qps * about) / TARGET_QPS)),
      );
      const byRule = to >= least! && to <= most!;
      assert.ok(byRule || (to === 1 && /in flight or waiting/.test(reason)), `${from} -> ${to}: ${reason}`);
    }
    await deployment.assertSound();
  });
});

/** Requests that come when they are due, however long the earlier ones take; one in four is a stream. */
class Arrivals {
  perSecond = 0;
  answered = 0;
  readonly troubles: string[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly timer: NodeJS.Timeout;
  private due = 0;
  private lookedAt = Date.now();
  private count = 0;

  constructor(private readonly url: string) {
    this.timer = setInterval(() => this.send(), 20);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.running);
  }

  private send(): void {
    const now = Date.now();
    this.due += (this.perSecond * (now - this.lookedAt)) / 1000;
    this.lookedAt = now;
    for (; this.due >= 1; this.due -= 1) {
      this.count += 1;
      const request = this.ask(this.count % 4 === 0 ? "/stream" : "/generate").finally(() =>
        this.running.delete(request),
      );
      this.running.add(request);
    }
  }

  private async ask(path: string): Promise<void> {
    try {
      const response = await fetch(this.url + path);
      const text = await response.text();
      const whole = path === "/stream" ? text.endsWith("data: [DONE]\n\n") : text.includes("Hello.");
      if (response.status !== 200 || !whole) this.troubles.push(`${path}: ${response.status} ${text.slice(-100)}`);
      this.answered += 1;
    } catch (error) {
      this.troubles.push(`${path}: ${String(error)}`);
    }
  }
}

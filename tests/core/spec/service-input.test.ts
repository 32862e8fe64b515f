import assert from "node:assert/strict";
import { digest } from "../../../provider/core/digest";
import { parse } from "../../../provider/core/spec/check-result";
import { serviceInput } from "../../../provider/core/spec/service-input";
import { UNKNOWN } from "../../../provider/core/spec/unknown";

const HASH = `sha256:${"ab".repeat(32)}`;

function check(balancer: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return parse(serviceInput, {
    project: "shop",
    stack: "dev",
    name: "chat",
    endpoint: { port: 8080 },
    balancer,
    ...more,
  });
}

function reasonFor(balancer: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  const parsed = check(balancer, more);
  assert.ok(!parsed.ok, "it was not refused");
  return parsed.failures.map(({ reason }) => reason).join("; ");
}

describe("the balancer that a program declares", () => {
  it("has no optional member that nobody asked for, so that a newer package changes no service", () => {
    const parsed = check({});
    assert.ok(parsed.ok);
    const { tokens, webSocketIdleSeconds, engine, workers, affinity, slowStartSeconds, limits } = parsed.value.balancer;
    for (const member of [tokens, webSocketIdleSeconds, engine, workers, affinity, slowStartSeconds, limits])
      assert.equal(member, undefined);
  });

  it("takes workers, and says of which limit each of them needs a part", () => {
    for (const workers of [1, 64, UNKNOWN]) assert.ok(check({ workers }).ok);
    assert.ok(check({ workers: 4, maxInFlightPerReplica: 4, maxQueue: 0 }).ok);
    assert.ok(check({ workers: 4, maxInFlightPerReplica: UNKNOWN, engine: UNKNOWN }).ok);
    assert.ok(check({ workers: 1, engine: "haproxy" }).ok);
    assert.match(reasonFor({ workers: 65 }), /^balancer\.workers: must be a whole number from 1 to 64/);
    assert.match(
      reasonFor({ workers: 2, engine: "haproxy" }),
      /^balancer\.workers: must be left out with engine "haproxy"/,
    );
    const more = /^balancer\.workers: must not be more than balancer\.([\w.]+), which is 3: each worker/;
    assert.equal(more.exec(reasonFor({ workers: 4, maxInFlightPerReplica: 3 }))?.[1], "maxInFlightPerReplica");
    assert.equal(more.exec(reasonFor({ workers: 4, maxQueue: 3 }))?.[1], "maxQueue");
    assert.equal(more.exec(reasonFor({ workers: 4, limits: { maxConnections: 3 } }))?.[1], "limits.maxConnections");
  });

  it("takes hashes of tokens, and what is not known yet", () => {
    for (const tokens of [[HASH], UNKNOWN, [UNKNOWN, HASH]]) assert.ok(check({ tokens }).ok);
  });

  it("is refused by field with tokens that cannot be, and none of them is shown", () => {
    const clear = "a-token-in-clear-0123456789";
    assert.match(reasonFor({ tokens: [HASH, clear] }), /^balancer\.tokens\.1: must be 16 to 4096 of the characters/);
    assert.doesNotMatch(reasonFor({ tokens: [clear] }), /clear/);
    assert.match(reasonFor({ tokens: [] }), /^balancer\.tokens: must hold a token: leave it out to let everybody in/);
    assert.match(reasonFor({ tokens: "no list" }), /^balancer\.tokens: must be a list of tokens/);
    assert.match(reasonFor({ tokens: Array(101).fill(HASH) }), /^balancer\.tokens: must hold at most 100/);
  });

  it("is refused with tokens in another place, and told where they belong", () => {
    assert.match(reasonFor({}, { tokens: [HASH] }), /no field `tokens` here: give it as `balancer\.tokens`/);
  });

  it("takes affinity by a header, whose name has no case, by a cookie, whose name has, or by the beginning of the body", () => {
    const taken = (affinity: unknown): unknown => {
      const parsed = check({ affinity });
      return parsed.ok && JSON.parse(JSON.stringify(parsed.value.balancer.affinity));
    };
    assert.deepEqual(taken({ header: "X-Session" }), { header: "x-session" });
    assert.deepEqual(taken({ cookie: "Session" }), { cookie: "Session" });
    assert.deepEqual(taken({ prefixBytes: 512 }), { prefixBytes: 512 });
    const prefix = { prefixBytes: 512, prefixField: "messages", maxLoadGap: 8 };
    assert.deepEqual(taken(prefix), prefix);
    assert.ok(check({ engine: "haproxy", affinity: prefix }).ok);
    assert.ok(check({ affinity: UNKNOWN }).ok && check({ affinity: { header: UNKNOWN } }).ok);
  });

  it("is refused by field with an affinity that cannot be", () => {
    const one = /^balancer\.affinity: must name one of `header`, `cookie` and `prefixBytes`/;
    assert.match(reasonFor({ affinity: {} }), one);
    assert.match(reasonFor({ affinity: { header: "a", cookie: "b" } }), one);
    assert.match(reasonFor({ affinity: { header: "a", prefixBytes: 8 } }), one);
    assert.match(
      reasonFor({ affinity: { header: "no name" } }),
      /^balancer\.affinity\.header: must be the name of a header/,
    );
    assert.match(reasonFor({ affinity: { cookies: "a" } }), /Did you mean `cookie`/);
    assert.match(reasonFor({ affinity: { prefixBytes: 0 } }), /^balancer\.affinity\.prefixBytes: must be .* from 1/);
    assert.match(
      reasonFor({ affinity: { prefixBytes: 8, prefixField: 'a"b' } }),
      /^balancer\.affinity\.prefixField: must be the name of a field of JSON/,
    );
    assert.match(
      reasonFor({ affinity: { header: "a", prefixField: "prompt" } }),
      /^balancer\.affinity\.prefixField: says where `prefixBytes` begin/,
    );
  });

  it("takes a slow start of up to an hour, and none", () => {
    for (const slowStartSeconds of [0, 2.5, 3600, UNKNOWN]) assert.ok(check({ slowStartSeconds }).ok);
    for (const slowStartSeconds of [-1, 3601, "60s"]) {
      assert.match(reasonFor({ slowStartSeconds }), /^balancer\.slowStartSeconds: must be a number of seconds/);
    }
  });

  it("is refused by field with an idle time of WebSockets that is none", () => {
    assert.match(
      reasonFor({ webSocketIdleSeconds: 0 }),
      /^balancer\.webSocketIdleSeconds: must be a number of seconds/,
    );
  });
});

describe("the limits of clients that a program declares", () => {
  it("are what it says, and no other: a default that changes some day changes no service that named none", () => {
    const parsed = check({ limits: { headSeconds: 5, maxConnections: 1000 } });
    assert.ok(parsed.ok);
    assert.deepEqual(JSON.parse(JSON.stringify(parsed.value.balancer.limits)), {
      headSeconds: 5,
      maxConnections: 1000,
    });
    assert.ok(check({ limits: UNKNOWN }).ok && check({ limits: { idleSeconds: UNKNOWN } }).ok);
  });

  it("leave the routing as it is where they are not named", () => {
    const without = check({});
    assert.ok(without.ok);
    const { limits, ...before } = without.value.balancer;
    assert.equal(digest(without.value.balancer), digest(before));
    assert.equal(limits, undefined);
  });

  for (const [name, given, sentence] of [
    ["no time", { headSeconds: 0 }, /^balancer\.limits\.headSeconds: must be a number of seconds from 1 to 3600/],
    ["a time without end", { bodySeconds: 1e9 }, /^balancer\.limits\.bodySeconds: .* from 1 to 604800/],
    ["a text for a time", { idleSeconds: "10m" }, /^balancer\.limits\.idleSeconds: must be a number of seconds/],
    ["a time below none", { stalledSeconds: -1 }, /^balancer\.limits\.stalledSeconds: .* from 1 to 86400/],
    ["no connection", { maxConnections: 0 }, /^balancer\.limits\.maxConnections: must be a whole number from 1 to/],
    ["half a connection", { maxConnections: 1.5 }, /^balancer\.limits\.maxConnections: must be a whole number/],
    ["a name that is none", { headerSeconds: 5 }, /^balancer\.limits.*Did you mean `headSeconds`/],
    ["no object", 5, /^balancer\.limits: must be an object/],
  ] as const) {
    it(`are refused by field with ${name}`, () => assert.match(reasonFor({ limits: given }), sentence));
  }

  it("are told where they belong", () => {
    assert.match(reasonFor({ idleSeconds: 5 }), /give it as `balancer\.limits\.idleSeconds`/);
  });
});

describe("the targets that a program declares", () => {
  const cluster = { kind: "local", name: "cluster" };
  const of = (target: Record<string, unknown>, additionalTargets?: unknown) => ({ target, additionalTargets });

  it("are the service's own with all its markets where nothing is said", () => {
    const parsed = check({});
    assert.ok(parsed.ok);
    assert.deepEqual([parsed.value.target.kind, parsed.value.target.markets], ["local", undefined]);
    assert.equal(parsed.value.additionalTargets, undefined);
  });

  it("may be several, each with the markets that are used of it, and not known yet", () => {
    const targets = [
      of({ markets: ["spot"] }, [{ ...cluster, markets: ["onDemand"] }]),
      of({ markets: ["spot"] }, UNKNOWN),
      of({ markets: UNKNOWN }, [{ ...cluster, name: UNKNOWN }, UNKNOWN]),
      of({ markets: ["spot"] }, [{ ...cluster, markets: [UNKNOWN] }]),
    ];
    for (const each of targets) assert.ok(check({}, each).ok, JSON.stringify(each));
  });

  for (const [what, targets, sentence] of [
    ["a name for the service's own", of({ name: "x" }), /^target\.name: is for `additionalTargets`/],
    ["none for another", of({}, [{}]), /^additionalTargets\.0\.name: must be a name of its own/],
    [
      "a name that no zone could be shown with",
      of({}, [{ name: "A/b" }]),
      /^additionalTargets\.0\.name: .* lower-case/,
    ],
    ["one name twice", of({}, [cluster, cluster]), /^additionalTargets\.1\.name: must not be "cluster"/],
    ["a market that there is not", of({ markets: ["cheap"] }), /^target\.markets\.0: must be a list of "spot" and/],
    ["no market", of({}, [{ ...cluster, markets: [] }]), /^additionalTargets\.0\.markets: must be a list of/],
    [
      "on-demand nowhere",
      of({ markets: ["spot"] }, [{ ...cluster, markets: ["spot"] }]),
      /^target\.markets: must have "onDemand" in one target at least/,
    ],
    [
      "a kind that is not there",
      of({}, [{ ...cluster, kind: "aws" }]),
      /^additionalTargets\.0\.kind: .* not there yet/,
    ],
  ] as const) {
    it(`are refused by field with ${what}`, () => assert.match(reasonFor({}, targets), sentence));
  }
});

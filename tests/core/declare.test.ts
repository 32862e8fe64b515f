import assert from "node:assert/strict";
import * as declare from "../../provider/core/declare";
import type { Intent } from "../../provider/core/intent";
import type { ServiceSpec } from "../../provider/core/spec/pool";
import { poolInput } from "../../provider/core/spec/pool-input";
import { poolSpec } from "../../provider/core/spec/pool-spec";
import { serviceInput, serviceSpec } from "../../provider/core/spec/service-input";
import { surge } from "./strategies";

const owner = { project: "shop", stack: "dev", name: "chat" };
const own = { kind: "local", cloudFile: "/cloud.json" } as const;
const service: ServiceSpec = serviceSpec(serviceInput.parse({ ...owner, endpoint: { port: 8080 } }), { target: own });
const spec = poolSpec(
  poolInput.parse({ ...owner, name: "gpu", service: "shop/dev/chat", template: { run: "x" } }),
  null,
);
const strategy = surge();
const target = { gpu: { revision: spec.revision, specHash: spec.specHash } };

const fresh = declare.createService(null, { identity: "shop/dev/chat", uid: "u", spec: service });

describe("a declared service", () => {
  it("keeps its pools, its rollout and its uid when it is created anew", () => {
    const full = declare.createRollout(declare.createPool(fresh, spec), target, strategy);
    const again = declare.createService(full, { identity: "shop/dev/chat", uid: "other", spec: service });
    assert.equal(again.service.incarnation, 2);
    assert.deepEqual({ ...again, service: null }, { ...full, service: null });
  });

  it("does not end by the delete of an earlier incarnation", () => {
    const replaced = declare.createService(fresh, { identity: "shop/dev/chat", uid: "u", spec: service });
    assert.equal(declare.deleteService(replaced, 1), replaced);
    assert.equal(declare.deleteService(replaced, 2).service.deleting, true);
  });

  it("refuses new pools and rollouts while it is being destroyed", () => {
    const deleting = declare.deleteService(fresh, 1);
    assert.throws(() => declare.createPool(deleting, spec), /is being destroyed/);
    assert.throws(() => declare.createRollout(deleting, target, strategy), /is being destroyed/);
  });

  it("still knows a target that it declares no more, until that is declared again", () => {
    const cluster = { ...own, name: "cluster" };
    const several = declare.updateService(fresh, { ...service, additionalTargets: [cluster] });
    const one = declare.updateService(several, service);
    assert.deepEqual(one.service.spec, { ...service, additionalTargets: [{ ...cluster, retired: true }] });
    assert.equal(declare.updateService(one, service), one);
    const replaced = declare.createService(one, { identity: "shop/dev/chat", uid: "u", spec: service });
    assert.deepEqual(replaced.service.spec, one.service.spec);
    const again = { ...service, additionalTargets: [{ ...cluster, cloudFile: "/other.json" }] };
    assert.deepEqual(declare.updateService(one, again).service.spec, again);
  });

  it("needs no write when nothing changes", () => {
    assert.equal(declare.updateService(fresh, { ...service }), fresh);
    const rolled = declare.createRollout(fresh, target, strategy);
    assert.equal(declare.updateRollout(rolled, { ...target }, { ...strategy }), rolled);
  });
});

describe("a declared pool", () => {
  const once = declare.createPool(fresh, spec);

  it("does not end by the delete of an earlier incarnation", () => {
    const replaced = declare.createPool(once, spec);
    assert.equal(declare.deletePool(replaced, "gpu", 1), replaced);
    assert.equal(declare.deletePool(replaced, "gpu", 2).pools["gpu"]!.deleting, true);
    assert.equal(declare.deletePool(replaced, "unknown", 1), replaced);
  });

  it("is tried again by every handler call", () => {
    assert.equal(declare.updatePool(once, spec).pools["gpu"]!.attempt, once.pools["gpu"]!.attempt + 1);
    assert.equal(declare.updatePool(once, spec).pools["gpu"]!.incarnation, 1);
  });

  it("is forgotten when it is gone, but not when it was declared again", () => {
    const deleting = declare.deletePool(once, "gpu", 1);
    assert.deepEqual(declare.forgetPool(deleting, "gpu", 1).pools, {});
    const again = declare.createPool(deleting, spec);
    assert.equal(declare.forgetPool(again, "gpu", 1), again);
    assert.equal(again.pools["gpu"]!.deleting, false);
  });
});

describe("a declared rollout", () => {
  const rolled = declare.createRollout(fresh, target, strategy);

  it("stops driving when it is deleted, unless it was created anew meanwhile", () => {
    assert.equal(declare.deleteRollout(rolled, 1).rollout!.driving, false);
    const again = declare.createRollout(rolled, target, strategy);
    assert.equal(declare.deleteRollout(again, 1), again);
  });

  it("drives again when it is declared after a delete", () => {
    const stopped: Intent = declare.deleteRollout(rolled, 1);
    assert.equal(declare.updateRollout(stopped, target, strategy).rollout!.driving, true);
  });
});

import { randomUUID } from "node:crypto";
import { canonicalJson } from "../core/digest";
import { ServeError } from "../core/errors";
import { createService, deleteService, updateService } from "../core/declare";
import { revivalProgress, type Progress } from "../core/follow";
import type { Intent } from "../core/intent";
import type { EngineKind, ServiceSpec } from "../core/spec/pool";
import { failure } from "../core/spec/check-result";
import { incarnationOf, serviceIdentity, serviceResourceId } from "../core/spec/identity";
import { endpointUrl, serviceInput, serviceSpec, withoutKeyPair, type ServiceInput } from "../core/spec/service-input";
import { keyPairOf } from "../core/spec/tls-input";
import { hasUnknown, UNKNOWN } from "../core/spec/unknown";
import type { State } from "../core/state";
import { findHaproxy } from "../dataplane/haproxy/binary";
import { computerId } from "../host/computer";
import type { Store } from "../ports/store";
import { checked, declared } from "./checked";
import type { Edge } from "./edge";
import { follow, followUntilGone } from "./follow";
import type { Handler, Props } from "./handler";
import { jsonClean } from "./json-clean";
import { whyNotKeyPair } from "./key-pair";
import { assertThisComputer, SCHEMA_VERSION, upgradeState } from "./old-state";
import { ownEndpoint, whyTaken } from "./own-endpoint";
import { partialFailure } from "./partial-failure";
import { targetsOf, whyNotClouds } from "./targets";
import { timeLimit, within } from "./time-limit";
import { beginIntent, changeIntent, intentIfAny } from "./write-intent";

/** What `check` computes: known in preview, as neither can change without a replacement or a change of the endpoint. */
const COMPUTED = ["url", "serviceId"] as const;
const STORE_ANSWERS_MS = 500;
const SECONDS = { create: 300, update: 300, delete: 900 };

export function serveServiceHandler(edge: Edge): Handler {
  return {
    async check(_olds, news) {
      return checked(serviceInput, news, async (input) => {
        const serviceId = serviceIdentity(input);
        const known = !hasUnknown(input.endpoint);
        const taken = known ? await endpointTakenByOthers(edge.openStore(serviceId), input.endpoint) : null;
        if (taken !== null) return { failures: [failure(["endpoint"], taken)] };
        const unfit = whyNotEngine(input.balancer.engine ?? "embedded");
        if (unfit !== null) return { failures: [failure(["balancer", "engine"], unfit)] };
        const { tls } = input.balancer;
        const keyPair = whyNotKeyPair(tls);
        if (keyPair !== null) return { failures: [failure(["balancer", "tls", keyPair.field], keyPair.sentence)] };
        const broken = await whyNotClouds(serviceId, input);
        if (broken !== null) return { failures: [failure(broken.path, broken.sentence)] };
        return { computed: { url: known ? endpointUrl(input.endpoint, tls) : UNKNOWN, serviceId } };
      });
    },

    async diff(_id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const replaces = ["project", "stack", "name"].filter((key) => old[key] !== news[key]);
      if (kindOf(old) !== kindOf(news)) replaces.push("target");
      // The new one would find the port taken by the old one.
      if (replaces.length > 0) return { replaces, deleteBeforeReplace: true };
      if (!sameInputs(old, news)) return {};
      const store = edge.openStore(String(old["serviceId"]));
      const drifted = await within(STORE_ANSWERS_MS, needsRevival(store));
      return drifted === true ? { changes: true } : {};
    },

    async create(inputs) {
      const input = serviceInput.parse(declared(inputs, COMPUTED));
      const store = edge.openStore(serviceIdentity(input));
      const reporter = edge.reporter(input.resourceUrn);
      const seconds = timeLimit(inputs, "create", SECONDS.create);
      // A destroy that was interrupted ends first: what is added to it now would end with it.
      if ((await store.exists()) && (await intentIfAny(store))?.value.service.deleting === true) {
        await followUntilGone({ edge, store, seconds, reporter });
      }
      const { intent, version } = await declare(store, input);
      const id = serviceResourceId(store.identity, intent.service.incarnation);
      try {
        await follow({ edge, store, since: version, seconds, reporter, look: serviceProgress });
        return { id, outs: await outputs(store, inputs) };
      } catch (error) {
        throw partialFailure(error, id, await outputs(store, inputs), inputs);
      }
    },

    async read(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const store = edge.openStore(String(old["serviceId"]));
      if (!(await store.exists())) return { id: "", props: {} };
      const intent = await intentIfAny(store);
      if (intent === null || intent.value.service.deleting) return { id: "", props: {} };
      return { id, props: await outputs(store, old) };
    },

    async update(id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const input = serviceInput.parse(declared(news, COMPUTED));
      const store = edge.openStore(serviceIdentity(input));
      const reporter = edge.reporter(input.resourceUrn);
      try {
        const spec = specOf(input);
        await store.create();
        await keepKeyPair(store, input, spec);
        const revived = await needsRevival(store);
        const { version } = await beginIntent(store, (intent) =>
          intent === null
            ? createService(null, { identity: store.identity, uid: randomUUID(), spec })
            : updateService(intent, spec),
        );
        const seconds = timeLimit(news, "update", SECONDS.update);
        const look = revived ? revivedProgress : serviceProgress;
        await follow({ edge, store, since: version, seconds, reporter, look });
        return { outs: await outputs(store, news) };
      } catch (error) {
        throw partialFailure(error, id, await outputs(store, old), news);
      }
    },

    async delete(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const store = edge.openStore(String(old["serviceId"]));
      // A store without an intent: its create was killed before anything ran. A destroy also finishes a killed destroy.
      if (!(await store.exists()) || (await intentIfAny(store)) === null) return store.destroy();
      const incarnation = incarnationOf(id);
      const written = await changeIntent(store, (intent) => deleteService(intent, incarnation)).catch(goneMeanwhile);
      if (written?.intent.service.deleting === false) return;
      const seconds = timeLimit(old, "delete", SECONDS.delete);
      await followUntilGone({ edge, store, seconds, reporter: edge.reporter(old["resourceUrn"]) });
    },
  };

  async function declare(store: Store, input: ServiceInput) {
    await store.create();
    const spec = specOf(input);
    await keepKeyPair(store, input, spec);
    const fresh = { identity: store.identity, uid: randomUUID(), spec };
    return beginIntent(store, (intent) => createService(intent, fresh));
  }
}

/** Before anybody declares it: the agent reads only the store. */
async function keepKeyPair(store: Store, { balancer }: ServiceInput, spec: ServiceSpec): Promise<void> {
  if (balancer.tls !== undefined) await store.putSecret(spec.balancer.tls!.secret, keyPairOf(balancer.tls));
}

/** With nothing left to drain, the agent may have taken the store away before our own write has returned. */
function goneMeanwhile(error: unknown): null {
  if (error instanceof ServeError && error.code === "StoreMissing") return null;
  throw error;
}

async function endpointTakenByOthers(store: Store, endpoint: ServiceSpec["endpoint"]): Promise<string | null> {
  const isThis = (other: ServiceSpec["endpoint"] | null | undefined) =>
    other?.host === endpoint.host && other.port === endpoint.port;
  if (isThis(await within(STORE_ANSWERS_MS, ownEndpoint(store.identity)))) return null;
  const intent = (await store.exists()) ? await intentIfAny(store) : null;
  // What holds it may be its own balancer, which hangs or has lost its supervisor: to end that would be the worst advice.
  // If it is somebody else, the agent says so.
  if (isThis(intent?.value.service.spec.endpoint)) return null;
  return whyTaken(endpoint);
}

/** Why this engine cannot carry a service on this computer; null: it can. */
function whyNotEngine(engine: EngineKind): string | null {
  const haproxy = engine === "haproxy" ? findHaproxy() : null;
  return haproxy?.kind === "unusable" ? haproxy.reason : null;
}

/** Dead agent (after a reboot, say), missing store: nothing in the inputs shows it, and a plain `up` shall mend it. */
async function needsRevival(store: Store): Promise<boolean> {
  if (!(await store.exists()) || (await intentIfAny(store)) === null) return true;
  const lease = await store.readLease();
  return lease === null || lease.dead;
}

/** In force: the data plane has acknowledged what the agent decided from this intent. */
function serviceProgress(_intent: Intent, state: State | null): Progress {
  const taken = state?.conditions.find(({ kind }) => kind === "endpointInUse");
  if (taken !== undefined) {
    return { kind: "failed", code: "EndpointInUse", reasons: [`endpoint: ${taken.message}`] };
  }
  if (state === null || state.routing.generation === 0 || state.routing.inForce < state.routing.generation) {
    return { kind: "working", line: "waiting for the balancer" };
  }
  return { kind: "done", line: "the endpoint answers" };
}

/** After a reboot the replicas are gone as well: the service is back when they are. */
function revivedProgress(intent: Intent, state: State | null): Progress {
  const progress = serviceProgress(intent, state);
  return progress.kind === "done" && state !== null ? revivalProgress(intent, state) : progress;
}

function specOf(input: ServiceInput): ServiceSpec {
  return serviceSpec(input, targetsOf(serviceIdentity(input), input));
}

function kindOf(props: Props): unknown {
  return (props["target"] as { kind?: unknown } | undefined)?.kind;
}

/** Whether a difference is for Pulumi to find, by comparing inputs. */
function sameInputs(olds: Props, news: Props): boolean {
  const shown = withoutKeyPair(news);
  const keys = Object.keys(shown).filter((key) => key !== "__provider");
  return keys.every((key) => canonicalJson(olds[key]) === canonicalJson(shown[key]));
}

/** All inputs and what was last seen. Never throws: it also goes into errors, which must not lose the state. */
async function outputs(store: Store, inputs: Props): Promise<Props> {
  const lease = await store.readLease().catch(() => null);
  const holder = lease === null || lease.dead ? null : lease.holder;
  return jsonClean({
    ...withoutKeyPair(declared(inputs, [])),
    schemaVersion: SCHEMA_VERSION,
    computer: computerId(),
    agent: holder === null ? null : { pid: holder.pid, packageVersion: holder.packageVersion },
  });
}

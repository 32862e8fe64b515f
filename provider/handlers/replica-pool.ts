import { resolve } from "node:path";
import { createPool, deletePool, forgetPool, updatePool } from "../core/declare";
import { canonicalJson } from "../core/digest";
import { ServeError } from "../core/errors";
import { poolProgress, poolRemovalProgress } from "../core/follow";
import type { Intent } from "../core/intent";
import { capacityInput } from "../core/spec/capacity-input";
import { factsOf, type PoolFacts } from "../core/spec/facts";
import { incarnationOf, poolResourceId } from "../core/spec/identity";
import type { PoolSpec } from "../core/spec/pool";
import { poolInput, type PoolInput } from "../core/spec/pool-input";
import { poolSecrets, poolSpec } from "../core/spec/pool-spec";
import { hasUnknown, UNKNOWN } from "../core/spec/unknown";
import type { State } from "../core/state";
import { computerId } from "../host/computer";
import { hashWorkdir, packWorkdir } from "../host/workdir";
import type { Store } from "../ports/store";
import { checked, declared } from "./checked";
import type { Edge } from "./edge";
import { follow } from "./follow";
import type { Handler, Props } from "./handler";
import { jsonClean } from "./json-clean";
import { assertThisComputer, SCHEMA_VERSION, upgradeState } from "./old-state";
import { partialFailure } from "./partial-failure";
import { poolStatus, stagedWarning, versionWarning } from "./pool-status";
import { timeLimit, within } from "./time-limit";
import { changeIntent, intentIfAny } from "./write-intent";

const COMPUTED = ["declaredRevision", "facts"] as const;
const STORE_ANSWERS_MS = 500;
const SECONDS = { create: 1800, update: 1800, delete: 900 };
/** What outputs repeat of the inputs. Never template, readiness and userConfig: they may hold secrets. */
const KEPT = [
  "project",
  "stack",
  "name",
  "resourceUrn",
  "service",
  "route",
  "replicas",
  "capacity",
  "timeouts",
  ...COMPUTED,
];

export function replicaPoolHandler(edge: Edge): Handler {
  return {
    async check(_olds, news) {
      return checked(poolInput, news, async (input) => {
        const workdir = await contentOf(input);
        if ("sentence" in workdir) return { failures: [{ property: "", reason: workdir.sentence }] };
        return { computed: computedInputs(input, workdir.hash) };
      });
    },

    async diff(_id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const replaces = ["project", "stack", "name", "service"].filter((key) => old[key] !== news[key]);
      if (replaces.length > 0) return { replaces };
      if (hasUnknown(news["facts"])) return {};
      const facts = news["facts"] as PoolFacts;
      const found = await within(STORE_ANSWERS_MS, look(edge.openStore(String(old["service"]))));
      if (found === null) return {};
      const unchanged = versionWarning(found.state, facts);
      if (unchanged !== null) edge.reporter(news["resourceUrn"]).warn(unchanged);
      if (canonicalJson(old["facts"]) !== canonicalJson(facts)) return {};
      const warning = stagedWarning(found.intent, found.state, facts.name);
      if (warning !== null) edge.reporter(news["resourceUrn"]).warn(warning);
      const known = found.intent?.pools[facts.name];
      const isAsDeclared = known !== undefined && !known.deleting && known.declared.specHash === facts.specHash;
      if (!isAsDeclared || poolProgress(found.intent!, found.state, facts.name).kind === "failed")
        return { changes: true };
      return {};
    },

    async create(inputs) {
      const { input, store, spec } = await prepare(inputs);
      const { intent, version } = await changeIntent(store, (found) => createPool(found, spec));
      const id = poolResourceId(store.identity, spec.name, intent.pools[spec.name]!.incarnation);
      try {
        return { id, outs: await bringAbout("create", { inputs, input, store, version }) };
      } catch (error) {
        throw partialFailure(error, id, await outputs(store, inputs), inputs);
      }
    },

    async read(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const store = edge.openStore(String(old["service"]));
      const pool = (await look(store)).intent?.pools[String(old["name"])];
      if (pool === undefined || pool.deleting) return { id: "", props: {} };
      return { id, props: await outputs(store, old) };
    },

    async update(id, olds, news) {
      const old = upgradeState(olds);
      assertThisComputer(old);
      const service = edge.openStore(String(news["service"]));
      try {
        const { input, store, spec } = await prepare(news);
        const { version } = await changeIntent(store, (found) => updatePool(found, spec));
        return { outs: await bringAbout("update", { inputs: news, input, store, version }) };
      } catch (error) {
        throw partialFailure(error, id, await outputs(service, old), news);
      }
    },

    async delete(id, props) {
      const old = upgradeState(props);
      assertThisComputer(old);
      const name = String(old["name"]);
      const store = edge.openStore(String(old["service"]));
      if ((await look(store)).intent === null) return;
      const incarnation = incarnationOf(id);
      const { intent, version } = await changeIntent(store, (found) => deletePool(found, name, incarnation));
      const pool = intent.pools[name];
      if (pool === undefined || !pool.deleting) return;
      const seconds = timeLimit(old, "delete", SECONDS.delete);
      await follow({
        edge,
        store,
        since: version,
        seconds,
        reporter: edge.reporter(old["resourceUrn"]),
        look: (now, state) => poolRemovalProgress(now, state, name),
      });
      await changeIntent(store, (found) => forgetPool(found, name, incarnation));
    },
  };

  /** Stores what the replicas will need before anybody declares that they shall be: launches read only the store. */
  async function prepare(inputs: Props): Promise<{ input: PoolInput; store: Store; spec: PoolSpec }> {
    const input = poolInput.parse(declared(inputs, COMPUTED));
    const store = edge.openStore(input.service);
    const workdir = await contentOf(input);
    if ("sentence" in workdir) throw invalid(workdir.sentence);
    const spec = poolSpec(input, workdir.hash);
    // Under a version of the program's own the revision says nothing of the files, but its facts do.
    const facts = inputs["facts"] as PoolFacts;
    if (spec.revision !== inputs["declaredRevision"] || spec.parts.workdir !== facts.parts.workdir) {
      throw invalid(
        `The files in \`template.workdir\` (${input.template.workdir}) changed while pulumi was running: run \`pulumi up\` again.`,
      );
    }
    const { workdirBlob, envSecret } = spec.launch;
    const { requestSecret } = spec.readiness;
    const secrets = poolSecrets(input);
    if (workdirBlob !== null) await store.putBlob(workdirBlob, packWorkdir(resolve(input.template.workdir!)));
    if (envSecret !== null) await store.putSecret(envSecret, secrets.env);
    if (requestSecret !== null) await store.putSecret(requestSecret, secrets.request);
    if (spec.userConfig !== null) await store.putSecret(spec.userConfig.secret, secrets.userConfig);
    return { input, store, spec };
  }

  async function bringAbout(
    operation: "create" | "update",
    { inputs, input, store, version }: { inputs: Props; input: PoolInput; store: Store; version: number },
  ): Promise<Props> {
    const reporter = edge.reporter(input.resourceUrn);
    const seconds = timeLimit(inputs, operation, SECONDS[operation]);
    const { name } = input;
    const state = await follow({
      edge,
      store,
      since: version,
      seconds,
      reporter,
      look: (intent, now) => poolProgress(intent, now, name),
    });
    const warning = stagedWarning((await store.readIntent()).value, state, name);
    if (warning !== null) reporter.warn(warning);
    return outputs(store, inputs);
  }
}

/** The content's hash; null without a workdir; the sentence that says why there is none. */
async function contentOf({ template }: PoolInput): Promise<{ hash: string | null } | { sentence: string }> {
  const { workdir } = template;
  if (workdir === undefined || workdir === null || hasUnknown(template)) return { hash: null };
  try {
    return { hash: (await hashWorkdir(resolve(workdir))).hash };
  } catch (error) {
    if (error instanceof ServeError && error.code === "InvalidInput") return { sentence: error.reasons[0] };
    throw error;
  }
}

/** Stands in for what is not known yet where it does not matter. */
const NO_CAPACITY = capacityInput.parse({});

/** The revision depends on template and version alone; a Rollout needs all the rest as well. */
function computedInputs(input: PoolInput, workdir: string | null): Props {
  const { timeouts: _waits, resourceUrn: _urn, ...meaning } = input;
  if (hasUnknown([input.template, input.version])) return { declaredRevision: UNKNOWN, facts: UNKNOWN };
  const spec = poolSpec(hasUnknown(input.capacity) ? { ...input, capacity: NO_CAPACITY } : input, workdir);
  return { declaredRevision: spec.revision, facts: hasUnknown(meaning) ? UNKNOWN : factsOf(spec) };
}

async function look(store: Store): Promise<{ intent: Intent | null; state: State | null }> {
  if (!(await store.exists())) return { intent: null, state: null };
  const intent = await intentIfAny(store);
  const state = await store.readState();
  return { intent: intent?.value ?? null, state: state?.value ?? null };
}

/** Never throws: it also goes into errors, which must not lose the state. */
async function outputs(store: Store, inputs: Props): Promise<Props> {
  const state = await store.readState().catch(() => null);
  return jsonClean({
    ...Object.fromEntries(KEPT.map((key) => [key, inputs[key]])),
    schemaVersion: SCHEMA_VERSION,
    computer: computerId(),
    ...poolStatus(state?.value ?? null, inputs["facts"] as PoolFacts),
  });
}

function invalid(sentence: string): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [sentence] });
}

import { conforms, conformsOverConnections } from "./conformance/conforms";
import { startEngine, startWorkers } from "./support/engine-process";
import { subjectOf, type Lacks } from "./support/subject";

describe("the embedded data plane conforms:", () => {
  conforms(subjectOf(() => startEngine("embedded")));
});

/** What has to be seen over several connections at once; tests/dataplane/workers.test.ts tells what holds instead. */
const OWN_LOAD = "each of its workers knows of its own requests only";
const OWN_ROOM = "each of its workers has its part of the limits only";

describe("the embedded data plane with two workers conforms:", () => {
  const lacks: Lacks = {
    "the policies within a version leastLoad sends nothing to a replica that is busier than another": OWN_LOAD,
    "replicas that carry different loads take turns alike with roundRobin, whatever their weights": OWN_LOAD,
    "a replica that dies after the first byte is a visible truncation, never a clean end and never a second try":
      OWN_LOAD,
    "the in-flight limit and the queue never send a replica more than it may have, and show who waits": OWN_ROOM,
    "WebSockets count as in flight until they are closed, also for the choice of the next request": OWN_LOAD,
    "slow start refuses nothing that only a replica which has just joined has room for (leastLoad)": OWN_ROOM,
    "slow start refuses nothing that only a replica which has just joined has room for (roundRobin)": OWN_ROOM,
    "a service with affinity reckons what its replica has to do by what the machine carries": OWN_LOAD,
    "a service with affinity passes over the replica of a key that has too much to do, and comes back to it": OWN_LOAD,
  };
  conformsOverConnections(subjectOf(() => startWorkers(2), lacks));
});

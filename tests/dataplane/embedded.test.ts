import { changesMembership } from "./conformance/membership";
import { countsVersions } from "./conformance/metrics";
import { handlesMessages } from "./conformance/messages";
import { passesStreams } from "./conformance/streams";
import { queuesRequests } from "./conformance/queue";
import { retriesRequests } from "./conformance/retries";
import { splitsTraffic } from "./conformance/split";
import { startEmbedded } from "./support/embedded";
import { subjectOf } from "./support/subject";

describe("the embedded data plane conforms:", () => {
  const subject = subjectOf(() => startEmbedded());
  splitsTraffic(subject);
  changesMembership(subject);
  retriesRequests(subject);
  passesStreams(subject);
  handlesMessages(subject);
  queuesRequests(subject);
  countsVersions(subject);
});

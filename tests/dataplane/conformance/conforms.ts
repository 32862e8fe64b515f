import type { Subject } from "../support/subject";
import { logsAccess } from "./access-log";
import { holdsSessionsTogether } from "./affinity";
import { limitsClients } from "./client-limits";
import { changesMembership } from "./membership";
import { countsVersions } from "./metrics";
import { handlesMessages } from "./messages";
import { passesStreams } from "./streams";
import { queuesRequests } from "./queue";
import { retriesRequests } from "./retries";
import { startsSlowly } from "./slow-start";
import { splitsTraffic } from "./split";
import { speaksHttp2 } from "./http2";
import { withstandsHttp2 } from "./http2-abuse";
import { speaksTls } from "./tls";
import { letsInByToken } from "./tokens";
import { passesTrailers } from "./trailers";
import { switchesToWebSocket } from "./websocket";
import { weighsReplicas } from "./weights";

/** All that every engine must do alike. */
export function conforms(subject: Subject): void {
  conformsOverConnections(subject);
  passesTrailers(subject);
  handlesMessages(subject);
  limitsClients(subject);
  speaksHttp2(subject);
  withstandsHttp2(subject);
}

/** What several processes have to do together; how one connection is read and answered is for one of them alone. */
export function conformsOverConnections(subject: Subject): void {
  splitsTraffic(subject);
  weighsReplicas(subject);
  startsSlowly(subject);
  changesMembership(subject);
  retriesRequests(subject);
  passesStreams(subject);
  queuesRequests(subject);
  countsVersions(subject);
  switchesToWebSocket(subject);
  letsInByToken(subject);
  speaksTls(subject);
  holdsSessionsTogether(subject);
  logsAccess(subject);
}

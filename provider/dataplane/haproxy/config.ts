import type { DesiredRoute, DesiredRouting } from "../../core/routing";
import type { BalancerSpec, ReadinessSpec, TlsSpec } from "../../core/spec/pool";
import { LONGEST_PATH } from "../access-entry";
import { clientLimits } from "../client-limits";
import { ROOM_FIELD } from "../room-note";
import { webSocketIdleSeconds } from "../websocket-idle";
import { keeperRules, keepersTable } from "./affinity";
import { backendName, FRONTEND, LOG, quoted, ROOM, SLOTS, type Slot } from "./names";
import { serverLine, type Membership, type Weighed } from "./membership";
import { logFormat } from "./log-lines";
import type { WorkerFiles } from "./worker-files";

/** After a message that cannot be trusted, the next one on that connection cannot be trusted either. */
const CLOSE = " hdr connection close";
/** HAProxy keeps a request in one buffer and replays what fits; this much more than the body is its own. */
const BUFFER_OVERHEAD = 32_768;
const REWRITE_BYTES = 8192;
/** Longer than any stream: a process that is being replaced ends with its last request, and this is only the last resort. */
const HARD_STOP = "24h";
/** The supervisor follows the log on one connection, on which a service without requests says nothing. */
const LONGEST_SILENCE = "24d";
/** Further tries that connections which were refused may use up, so that a replica's death costs none of the others. */
const SPARE_RETRIES = 1;

/**
 * The whole configuration: what cannot change without a new process (see `shapeOf`), and the replicas as they are now, so
 * that a process which starts from it begins with the truth.
 */
export function renderConfig(
  desired: DesiredRouting,
  address: string,
  members: Membership,
  files: WorkerFiles,
): string {
  return [
    ...processSection(desired.balancer, files),
    ...defaults(desired.balancer),
    ...frontend(desired, address, files),
    ...desired.routes.flatMap((route, pool) =>
      SLOTS.flatMap((slot) => backend(route, pool, slot, desired.balancer, members, files)),
    ),
    ...roomBackend(desired, files),
    "backend turns",
    "  stick-table type string len 48 size 1000 store gpc0",
    "",
    ...keepersTable(desired.balancer),
  ].join("\n");
}

/** Two routings of the same shape differ only in what the Runtime API can change. */
export function shapeOf(desired: DesiredRouting, address: string): string {
  const routes = desired.routes.map(({ prefix, pool, readiness, wakeSeconds }) => {
    return { prefix, pool, readiness, wakeSeconds };
  });
  // Which tokens and which certificate there are is changed live, whether any are needed is not. Weights are the supervisor's.
  const { tokens, tls, slowStartSeconds: _slowStart, ...balancer } = desired.balancer;
  return JSON.stringify({ address, balancer, guarded: tokens !== undefined, alpn: tls && alpnOf(tls), routes });
}

function processSection(balancer: BalancerSpec, files: WorkerFiles): string[] {
  const buffer = Math.max(balancer.replayBufferBytes, 0) + balancer.maxHeaderBytes + BUFFER_OVERHEAD + REWRITE_BYTES;
  return [
    "global",
    // Whoever already listens must be told of, not shared with: two services would each get half of the requests.
    "  noreuseport",
    `  stats socket ${unix(files.runtime)} mode 600 level admin expose-fd listeners`,
    `  stats timeout ${LONGEST_SILENCE}`,
    `  hard-stop-after ${HARD_STOP}`,
    `  tune.bufsize ${buffer}`,
    `  tune.maxrewrite ${REWRITE_BYTES}`,
    "  tune.http.maxhdr 256",
    "",
    // Read by the supervisor. A server of the ring would be called without a pause while there is no supervisor: a whole core.
    `ring ${LOG}`,
    "  format raw",
    "  maxlen 1024",
    "  size 4194304",
    "",
  ];
}

function replays({ retry }: BalancerSpec): boolean {
  return retry.nonIdempotent && retry.attempts > 0;
}

function defaults(balancer: BalancerSpec): string[] {
  const { attempts, nonIdempotent } = balancer.retry;
  const replay = replays(balancer);
  const { headSeconds, bodySeconds, idleSeconds, stalledSeconds } = clientLimits(balancer);
  return [
    "defaults",
    "  mode http",
    // Without it HAProxy holds each piece of a stream back for up to 200 ms.
    "  option http-no-delay",
    // Without it a process that is being replaced resets the connections on which a request may just be coming.
    "  option idle-close-on-response",
    "  option abortonclose",
    "  option dontlognull",
    // The default retries the dead server first.
    "  option redispatch 1",
    // A reused connection may die under the request without saying whether the replica had begun it.
    ...(nonIdempotent ? ["  http-reuse always"] : ["  http-reuse never", "  option http-server-close"]),
    `  retries ${replay ? attempts + SPARE_RETRIES : 3}`,
    `  retry-on ${replay ? "conn-failure empty-response response-timeout junk-response" : "conn-failure"}`,
    "  timeout connect 5s",
    `  timeout client ${milliseconds(stalledSeconds)}`,
    "  timeout client-fin 30s",
    `  timeout tunnel ${milliseconds(webSocketIdleSeconds(balancer))}`,
    `  timeout http-request ${milliseconds(headSeconds)}`,
    `  timeout http-keep-alive ${milliseconds(idleSeconds)}`,
    `  timeout server ${milliseconds(balancer.requestTimeoutSeconds)}`,
    `  timeout queue ${milliseconds(balancer.queueTimeoutSeconds)}`,
    error(
      408,
      `The request's body did not come within ${bodySeconds} s (balancer.limits.bodySeconds), or nothing of it came for ${stalledSeconds} s (balancer.limits.stalledSeconds).`,
      CLOSE,
    ),
    error(502, "The replica failed before it answered: it closed the connection, or sent what is no proper response."),
    error(
      503,
      `No replica could take the request within ${balancer.queueTimeoutSeconds} s: try again shortly.`,
      " hdr retry-after 1",
    ),
    error(504, `The replica did not answer: it was silent for ${balancer.requestTimeoutSeconds} s.`),
    "",
  ];
}

function frontend(desired: DesiredRouting, address: string, files: WorkerFiles): string[] {
  const { balancer } = desired;
  const { maxConnections } = clientLimits(balancer);
  const lines = [
    `frontend ${FRONTEND}`,
    ...(Number.isFinite(maxConnections) ? [`  maxconn ${maxConnections}`] : []),
    `  bind ${address}${tls(balancer, files)}`,
    `  log ring@${LOG} format raw local0`,
    `  log-format "${logFormat(balancer.accessLog === true)}"`,
    ...(balancer.accessLog === true ? forAccessLog() : []),
    refuse(405, "CONNECT is not served here.", "METH_CONNECT"),
    refuse(
      400,
      "The request has no Host header, or more than one: send one.",
      "!{ req.hdr_cnt(host) 1 } !HTTP_1.0",
      CLOSE,
    ),
    refuse(
      431,
      `The request's header is larger than ${balancer.maxHeaderBytes} bytes (balancer.maxHeaderBytes).`,
      `{ req.hdrs,length gt ${balancer.maxHeaderBytes} }`,
      CLOSE,
    ),
    ...guard(balancer, files),
    refuse(
      413,
      `The body is larger than ${balancer.maxBodyBytes} bytes (balancer.maxBodyBytes).`,
      `{ req.hdr_val(content-length) gt ${balancer.maxBodyBytes} }`,
    ),
    // An absolute target: the replica gets the path, and the authority as Host.
    "  http-request set-uri %[pathq] if !{ url_beg / } !{ url * }",
  ];
  const byLength = desired.routes.map((route, pool) => ({ prefix: route.prefix, pool }));
  for (const { prefix, pool } of byLength.sort((a, b) => b.prefix.length - a.prefix.length)) {
    const take = `  http-request set-var(txn.pool) str(p${pool}) if !{ var(txn.pool) -m found }`;
    lines.push(`${take} { path -m beg -- ${quoted(prefix.endsWith("/") ? prefix : `${prefix}/`)} }`);
    if (!prefix.endsWith("/")) lines.push(`${take} { path -m str -- ${quoted(prefix)} }`);
  }
  lines.push(
    `  http-request return status 404 content-type "text/plain; charset=utf-8" lf-string "No pool serves this path: %[path]. See the routes of the service's pools.\\n" if !{ var(txn.pool) -m found }`,
    ...wholeBody(balancer),
    "  http-request set-var(txn.pin) req.hdr(x-pulumi-serve-version)",
    "  acl pinned var(txn.pin) -m found",
    `  http-request set-var(txn.slot) var(txn.pool),concat(/,txn.pin),map_str(${files.pinsMap}) if pinned`,
    // Everything about the split comes out of one value, and one fetch counts and tells: two threads never share a turn.
    `  http-request set-var(txn.split) var(txn.pool),map_str(${files.splitMap}) if !pinned`,
    "  http-request set-var(txn.canary) var(txn.split),field(2,:) if !pinned",
    "  http-request set-var(txn.total) var(txn.split),field(3,:) if !pinned",
    "  http-request set-var(txn.step) var(txn.split),field(4,:) if !pinned",
    "  acl routed var(txn.total) -m int gt 0",
    "  acl mixed var(txn.split),field(5,:) -m str 1",
    "  http-request track-sc0 var(txn.split),field(1,:) table turns if !pinned routed",
    "  http-request set-var(txn.place) sc_inc_gpc0(0),sub(1),mul(txn.step),mod(txn.total) if !pinned routed",
    "  http-request set-var(txn.role) str(primary) if !pinned routed",
    "  http-request set-var(txn.role) str(canary) if !pinned routed { var(txn.place),sub(txn.canary) lt 0 }",
    `  http-request set-var(txn.slot) var(txn.pool),concat(/,txn.role),map_str(${files.pinsMap}) if !pinned routed`,
    ...withoutHopFields("request"),
    // To WebSocket and to nothing else: what a replica said in another protocol would pass by every rule here.
    "  acl websocket req.hdr(connection) -m sub -i upgrade",
    "  acl websocket_only req.hdr(upgrade) -m str -i websocket",
    "  http-request del-header upgrade if !websocket or !websocket_only or !METH_GET",
    "  http-request del-header http2-settings",
    "  http-request add-header x-forwarded-for %[src]",
    `  http-request set-header x-forwarded-proto ${balancer.tls === undefined ? "http" : "https"} if !{ req.hdr(x-forwarded-proto) -m found }`,
    `  http-request disable-l7-retry if { req.hdr_val(content-length) gt ${balancer.replayBufferBytes} }`,
  );
  desired.routes.forEach((_route, pool) => {
    for (const slot of SLOTS) {
      const [own, other] = [backendName(pool, slot), backendName(pool, slot === "a" ? "b" : "a")];
      const chosen = `{ var(txn.slot) -m str ${own} }`;
      // Below 0: of the backend only the way to the waiting room is there.
      lines.push(
        `  use_backend ${other} if !pinned mixed ${chosen} { be_conn_free(${own}) le 0 } { be_conn_free(${other}) gt 0 }`,
        `  use_backend ${ROOM} if ${chosen} { be_conn_free(${own}) lt 0 }`,
      );
    }
  });
  lines.push("  use_backend %[var(txn.slot)] if { var(txn.slot) -m found }", `  default_backend ${ROOM}`, "");
  return lines;
}

function backend(
  route: DesiredRoute,
  pool: number,
  slot: Slot,
  balancer: BalancerSpec,
  members: Membership,
  files: WorkerFiles,
): string[] {
  const name = backendName(pool, slot);
  const replicas = members.get(name) ?? new Map<string, Weighed>();
  return [
    `backend ${name}`,
    `  balance ${balancer.policy === "roundRobin" ? "roundrobin" : "leastconn"}`,
    ...checks(route.readiness),
    refuse(
      503,
      `Too many requests are waiting for a replica of ${route.prefix} (${balancer.maxQueue}): try again shortly.`,
      `{ be_conn_free(${name}) eq 0 } { queue ge ${balancer.maxQueue} }`,
      " hdr retry-after 1",
    ),
    ...keeperRules(name, balancer, files.keepersMap),
    `  http-response set-header x-pulumi-serve-revision %[srv_name,field(-1,.)] if !{ srv_name -m str ${ROOM} }`,
    ...withoutHopFields("response"),
    // The last resort of a request whose only replica died under it: there it meets the other version, or waits.
    `  server ${ROOM} ${unix(files.room)} backup`,
    ...[...replicas].map(([server, replica]) => `  server ${serverLine(server, replica, route.readiness, balancer)}`),
    "",
  ];
}

function roomBackend(desired: DesiredRouting, files: WorkerFiles): string[] {
  const { queueTimeoutSeconds, requestTimeoutSeconds, retry } = desired.balancer;
  // The waiting room keeps the times itself and answers with a sentence.
  const longestWait = Math.max(queueTimeoutSeconds, ...desired.routes.map(({ wakeSeconds = 0 }) => wakeSeconds));
  const longest = longestWait + requestTimeoutSeconds * (retry.attempts + 1) + 5;
  return [
    `backend ${ROOM}`,
    `  timeout server ${milliseconds(longest)}`,
    "  retry-on conn-failure",
    `  server ${ROOM} ${unix(files.room)}`,
    "",
  ];
}

/** A check with secrets or by POST is a mere connect: its header and body are not known here. */
function checks(readiness: ReadinessSpec): string[] {
  const timeout = `  timeout check ${milliseconds(readiness.timeoutSeconds)}`;
  if (readiness.requestSecret !== null || readiness.method !== "GET") return [timeout];
  return [
    timeout,
    "  option httpchk",
    `  http-check send meth GET uri ${quoted(readiness.path)} ver HTTP/1.1 hdr host localhost hdr user-agent pulumi-serve-check hdr connection close`,
    "  http-check expect status 200-299",
  ];
}

function tls({ tls }: BalancerSpec, files: WorkerFiles): string {
  return tls === undefined ? "" : ` ssl crt ${files.keyPair} alpn ${alpnOf(tls)} ssl-min-ver TLSv1.2`;
}

function alpnOf({ http2 }: TlsSpec): string {
  return http2 === true ? "h2,http/1.1" : "http/1.1";
}

/**
 * HAProxy can replay a request only if it had all of it when it began to send it. Of one of known length that may be
 * replayed it waits for the rest of the body, and answers 408 to one that takes too long. A client that asks whether it may
 * send is answered by the replica.
 */
function wholeBody(balancer: BalancerSpec): string[] {
  if (!replays(balancer)) return [];
  const length = "req.hdr_val(content-length)";
  const replayable = `{ ${length} gt 0 } { ${length} le ${balancer.replayBufferBytes} } !{ req.hdr(expect) -m found }`;
  return [`  http-request wait-for-body time ${milliseconds(clientLimits(balancer).bodySeconds)} if ${replayable}`];
}

/** What is gone when a request is logged. Before all else: the line of one that is refused tells its path too. */
function forAccessLog(): string[] {
  return [
    `  http-request set-var(txn.path) path,bytes(0,${LONGEST_PATH})`,
    `  http-response set-var(txn.room) res.hdr(${ROOM_FIELD})`,
    `  http-response del-header ${ROOM_FIELD}`,
  ];
}

/** Replicas and their logs do not get what is meant for us. */
function guard({ tokens }: BalancerSpec, files: WorkerFiles): string[] {
  if (tokens === undefined) return [];
  return [
    refuse(
      401,
      "This service wants one of its tokens: send it as `Authorization: Bearer <token>`.",
      `!{ http_auth_bearer,sha2(256),hex -m str -f ${files.tokens} }`,
      " hdr www-authenticate Bearer",
    ),
    "  http-request del-header authorization",
  ];
}

function withoutHopFields(of: "request" | "response"): string[] {
  const names = ["keep-alive", "proxy-connection", "te", "trailer", "proxy-authorization"];
  return names.map((name) => `  http-${of} del-header ${name}`);
}

function refuse(status: number, sentence: string, condition: string, more = ""): string {
  return `  http-request return status ${status} content-type "text/plain; charset=utf-8" string ${quotedLine(sentence)}${more} if ${condition}`;
}

function error(status: number, sentence: string, more = ""): string {
  return `  http-error status ${status} content-type "text/plain; charset=utf-8" string ${quotedLine(sentence)}${more}`;
}

/** As `quoted`, and a line break at the end, which only this form of quotes knows. */
function quotedLine(sentence: string): string {
  quoted(sentence);
  return `"${sentence.replace(/[\\"$]/g, "\\$&")}\\n"`;
}

function unix(path: string): string {
  return `unix@${quoted(path)}`;
}

function milliseconds(seconds: number): string {
  // 0 would be "for ever".
  return `${Math.max(1, Math.round(seconds * 1000))}ms`;
}

import type { AffinitySpec, BalancerSpec } from "../../core/spec/pool";
import { LOAD_RATIO, maxLoadGap, PREFIX_WINDOW_BYTES } from "../affinity";
import { BUCKETS, EVEN_PART } from "./keepers";

/** Counts the requests that each replica got by their key. */
const TABLE = "keepers";

/**
 * What makes a backend send a request to the replica that keeps its key. Keys are held in buckets, and a map tells the
 * replica of each: HAProxy's own hashing would give keys to replicas that drain, and leave the policy of requests without
 * a key no choice. A replica that is down, or has too much to do, is passed over, and the policy decides.
 */
export function keeperRules(backend: string, { affinity, maxInFlightPerReplica }: BalancerSpec, map: string): string[] {
  if (affinity === undefined) return [];
  return [
    ...(affinity.prefixBytes === undefined ? [] : [waitForPrefix(affinity, affinity.prefixBytes)]),
    `  http-request set-var(txn.key) ${keyOf(affinity)}`,
    `  http-request set-var(txn.bucket) var(txn.key),xxh32,mod(${BUCKETS}) if { var(txn.key) -m len gt 0 }`,
    "  http-request unset-var(txn.key)",
    `  http-request set-var(txn.keeper) str(${backend}/),concat(,txn.bucket),map_str(${map}) if { var(txn.bucket) -m found }`,
    `  http-request set-var(txn.held) var(txn.keeper),xxh32,table_conn_cur(${TABLE}) if { var(txn.keeper) -m found }`,
    ...loadGap(backend, maxLoadGap(affinity), map),
    `  http-request unset-var(txn.keeper) if { var(txn.held) -m int ge ${maxInFlightPerReplica} }`,
    `  http-request track-sc1 var(txn.keeper),xxh32 table ${TABLE} if { var(txn.keeper) -m found }`,
    "  use-server %[var(txn.keeper)] if { var(txn.keeper) -m found }",
  ];
}

export function keepersTable({ affinity }: BalancerSpec): string[] {
  if (affinity === undefined) return [];
  return [`backend ${TABLE}`, "  stick-table type integer size 10000 expire 1m store conn_cur", ""];
}

function keyOf({ header, cookie, prefixBytes, prefixField }: AffinitySpec): string {
  if (header !== undefined) return `req.fhdr(${header})`;
  if (cookie !== undefined) return `req.cook(${cookie})`;
  // Where the name is not to be found, the beginning stays.
  const behind = prefixField === undefined ? "" : `,regsub("^(?s).*?\\x22${prefixField}\\x22",)`;
  return `'req.body,bytes(0,${PREFIX_WINDOW_BYTES})${behind},bytes(0,${prefixBytes})'`;
}

/** The longest that a client may be silent: a shorter one would be answered 408. */
function waitForPrefix({ prefixField }: AffinitySpec, prefixBytes: number): string {
  return `  http-request wait-for-body time 1h at-least ${prefixField === undefined ? prefixBytes : PREFIX_WINDOW_BYTES}`;
}

/**
 * HAProxy does not know the least busy replica: what counts is the mean of the others, by what the keeper carries against
 * them. This request is in `be_conn` already.
 */
function loadGap(backend: string, gap: number | null, map: string): string[] {
  if (gap === null) return [];
  const keyed = "{ var(txn.keeper) -m found }";
  return [
    `  http-request set-var(txn.others) nbsrv(${backend}),sub(1) if ${keyed}`,
    `  http-request set-var(txn.part) str(${backend}/),concat(,txn.keeper),map_str(${map},${EVEN_PART}) if ${keyed}`,
    `  http-request set-var(txn.mean) be_conn(${backend}),sub(1),sub(txn.held),mul(txn.part),div(txn.others),div(${EVEN_PART}) if ${keyed}`,
    `  http-request set-var(txn.mean_of) var(txn.mean),mul(${LOAD_RATIO.of}) if ${keyed}`,
    "  http-request unset-var(txn.keeper) if { var(txn.held),sub(txn.mean) gt " +
      `${gap} } { var(txn.held),mul(${LOAD_RATIO.to}),sub(txn.mean_of) gt 0 }`,
  ];
}

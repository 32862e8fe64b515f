import type { WorkloadName } from "./contender";
import { program, requests, type Load } from "./load";

export interface Workload {
  name: WorkloadName;
  what: string;
  /** What is counted. */
  unit: "request" | "event";
  clients: number;
  milliseconds: number;
  rounds: number;
  load: Load;
}

const [get, post] = [requests("get"), requests("post")];
const streams = program("streams.ts", []);

export const REQUESTS: readonly Workload[] = [
  {
    name: "get",
    what: "GET, 1 KB answer, 64 clients",
    unit: "request",
    clients: 64,
    milliseconds: 2000,
    rounds: 7,
    load: get,
  },
  {
    name: "post",
    what: "POST, 2 KB and 12 fields, 64 clients",
    unit: "request",
    clients: 64,
    milliseconds: 2000,
    rounds: 5,
    load: post,
  },
  {
    name: "latency",
    what: "GET, one client",
    unit: "request",
    clients: 1,
    milliseconds: 2000,
    rounds: 5,
    load: get,
  },
];

export const STREAMS: readonly Workload[] = [
  {
    name: "streams200",
    what: "200 event streams, 50 events/s each",
    unit: "event",
    clients: 200,
    milliseconds: 4000,
    rounds: 5,
    load: streams,
  },
  {
    name: "streams600",
    what: "600 event streams, 50 events/s each",
    unit: "event",
    clients: 600,
    milliseconds: 4000,
    rounds: 3,
    load: streams,
  },
];

export const WORKLOADS: readonly Workload[] = [...REQUESTS, ...STREAMS];

import { join } from "node:path";
import type { WorkloadName } from "./contender";

export interface Workload {
  name: WorkloadName;
  what: string;
  /** What is counted. */
  unit: "request" | "event";
  clients: number;
  milliseconds: number;
  rounds: number;
  program: string;
  args: string[];
}

const requests = join(__dirname, "programs/requests.ts");
const streams = join(__dirname, "programs/streams.ts");

export const WORKLOADS: readonly Workload[] = [
  {
    name: "get",
    what: "GET, 1 KB answer, 64 clients",
    unit: "request",
    clients: 64,
    milliseconds: 1000,
    rounds: 11,
    program: requests,
    args: ["get"],
  },
  {
    name: "post",
    what: "POST, 2 KB and 12 fields, 64 clients",
    unit: "request",
    clients: 64,
    milliseconds: 1000,
    rounds: 9,
    program: requests,
    args: ["post"],
  },
  {
    name: "latency",
    what: "GET, one client",
    unit: "request",
    clients: 1,
    milliseconds: 1000,
    rounds: 9,
    program: requests,
    args: ["get"],
  },
  {
    name: "streams200",
    what: "200 event streams, 50 events/s each",
    unit: "event",
    clients: 200,
    milliseconds: 4000,
    rounds: 5,
    program: streams,
    args: [],
  },
  {
    name: "streams600",
    what: "600 event streams, 50 events/s each",
    unit: "event",
    clients: 600,
    milliseconds: 4000,
    rounds: 3,
    program: streams,
    args: [],
  },
];

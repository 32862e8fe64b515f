import { join } from "node:path";
import { programIn, serverFolders } from "../../../provider/host/on-path";
import { processorTimeOfEnded, start, startProgram } from "../process";

/** What clients say of a slice. */
export interface Said {
  units: number;
  /** How long they asked, where that is not just what they were told. */
  seconds?: number;
  failed: number;
  p50Ms: number | null;
  p99Ms?: number | null;
  firstByteP50Ms?: number | null;
  /** What they took of the computer themselves. */
  cpuMicros: number;
}

/** Clients that ask for a while. */
export interface Load {
  by: string;
  run(port: number, clients: number, milliseconds: number): Promise<Said>;
}

/**
 * Requests by wrk where there is one: it takes so little of the computer that the balancers are what is measured. Clients of our
 * own, in Node, take more than a good balancer does, and on two cores hold it back.
 */
export function requests(kind: "get" | "post"): Load {
  const wrk = programIn(serverFolders(), "wrk");
  return wrk === null ? program("requests.ts", [kind]) : byWrk(wrk, kind);
}

/** One of the programs beside, which says it all in one line. */
export function program(file: string, args: readonly string[]): Load {
  return {
    by: "node",
    run: async (port, clients, milliseconds) => {
      const path = join(__dirname, "programs", file);
      const load = startProgram(path, [String(port), String(clients), String(milliseconds), ...args]);
      try {
        return JSON.parse(await load.line()) as Said;
      } finally {
        await load.stop();
      }
    },
  };
}

function byWrk(wrk: string, kind: string): Load {
  const script = join(__dirname, "programs/requests.lua");
  return {
    by: "wrk",
    run: async (port, clients, milliseconds) => {
      const before = processorTimeOfEnded();
      const url = `http://127.0.0.1:${port}`;
      const duration = `${Math.ceil(milliseconds / 1000)}s`;
      const load = start(wrk, ["-t1", `-c${clients}`, `-d${duration}`, "-s", script, url, "--", kind]);
      try {
        for (;;) {
          const line = await load.line();
          if (!line.startsWith("{")) continue;
          await load.end();
          const said = JSON.parse(line) as Omit<Said, "cpuMicros">;
          return { ...said, cpuMicros: processorTimeOfEnded() - before };
        }
      } finally {
        await load.stop();
      }
    },
  };
}

import { spawn, type ChildProcess } from "node:child_process";
import type { DesiredReplica } from "../../../provider/core/routing";

/** A replica in a process of its own, so that it can be killed the hard way. */
export interface ReplicaProcess extends DesiredReplica {
  kill(): Promise<void>;
}

/** Reads the whole body and answers its length after a moment of work; says its port on stdout. */
const PROGRAM = `
require("node:http").createServer((req, res) => {
  let length = 0;
  req.on("data", (chunk) => (length += chunk.length));
  req.on("end", () => setTimeout(() => res.end(String(length)), req.url === "/health" ? 0 : 2));
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
process.on("disconnect", () => process.exit());
`;

const running = new Set<ReplicaProcess>();

export async function killReplicaProcesses(): Promise<void> {
  await Promise.all([...running].map((replica) => replica.kill()));
}

export async function startReplicaProcess(id: string): Promise<ReplicaProcess> {
  // The channel ends the child with us, should we be killed before we end it.
  const child = spawn(process.execPath, ["-e", PROGRAM], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const replica: ReplicaProcess = { id, host: "127.0.0.1", port: 0, kill: () => end(child, replica) };
  running.add(replica);
  replica.port = await new Promise<number>((resolve, reject) => {
    child.stdout!.once("data", (text: Buffer) => resolve(Number(text)));
    child.once("exit", () => reject(new Error("the replica ended before it listened")));
  });
  return replica;
}

function end(child: ChildProcess, replica: ReplicaProcess): Promise<void> {
  running.delete(replica);
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

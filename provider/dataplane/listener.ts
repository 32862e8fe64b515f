import { spawn } from "node:child_process";
import { connect, Socket, type AddressInfo, type Server } from "node:net";
import { sentenceOf, ServeError } from "../core/errors";
import { allowedEnvironment } from "../host/child";

/*
 * All that we ask of Node beyond its documentation is in this file (but for embedded/inlet.ts), and only a change of the
 * engine needs it. What is documented would lose clients: a listener sent to another process (`subprocess.send`) takes
 * clients from there at once, before anybody can serve them, while its bare handle waits for a server; and nothing
 * public receives a socket on a connection to a program that is not Node, which is how HAProxy passes its listener on.
 * tests/haproxy/listener.test.ts asks for each piece by itself. Where one is missing, the engine that serves goes on,
 * and the change ends in an error that says so.
 */

/** Each takes milliseconds where the computer has time for it. */
const COPY_TAKES_MS = 15_000;
const HAPROXY_GIVES_WITHIN_MS = 15_000;
/** The kind of Node's pipe handles that can carry other handles. */
const IPC = 2;
/** Gives back what it is sent: a socket that went to another process and came back is another one in ours. */
const ECHO = `process.on("message", (_, handle) => process.send("", handle, () => process.disconnect()))`;

/** Node's own handle of a TCP socket. It takes connections only once a server listens on it. */
export interface TcpHandle {
  fd: number;
  close(): void;
  getsockname(into: Partial<AddressInfo>): number;
}

/**
 * A second handle of the socket that `server` listens on: whoever gets it goes on with the same queue of clients that are
 * just connecting, so that none is refused while one program takes the place of another.
 */
export function copyOfListener(server: Server): Promise<TcpHandle> {
  return new Promise((resolve, reject) => {
    const own = listeningHandle(server);
    const child = spawn(process.execPath, ["-e", ECHO], {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: allowedEnvironment(),
    });
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(notHandedOver(why));
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => fail("a helper process did not answer"), COPY_TAKES_MS);
    child.once("error", (error) => fail(error.message));
    child.once("exit", () => fail("a helper process ended"));
    child.once("message", (_message, handle) => {
      clearTimeout(timer);
      try {
        resolve(known(handle));
      } catch (error) {
        fail(sentenceOf(error));
      }
    });
    child.send("", own as unknown as Server, { keepOpen: true }, (error) => error && fail(error.message));
  });
}

/** The listener that a HAProxy has opened itself, by the way in which it gives it to its own successors. */
export function listenerOfHaproxy(runtime: string, port: number): Promise<TcpHandle> {
  return new Promise((resolve, reject) => {
    let found: TcpHandle | null = null;
    const handle = pipeForHandles(runtime);
    const take = (): boolean => {
      const given = handle.pendingHandle ?? null;
      handle.pendingHandle = null;
      // Its Runtime API's listener comes too, and that has no port.
      if (isTcp(given) && found === null && addressOfHandle(given).port === port) found = given;
      else given?.close();
      return true;
    };
    const socket = new Socket({
      handle,
      manualStart: true,
      // A byte at a time: with each comes at most one of the handles.
      onread: { buffer: Buffer.alloc(1), callback: take },
    } as never);
    socket.setTimeout(HAPROXY_GIVES_WITHIN_MS, () => socket.destroy());
    socket.on("error", (error) => reject(notHandedOver(error.message)));
    socket.on("close", () => {
      if (found !== null) resolve(found);
      else reject(notHandedOver(`HAProxy's listener of port ${port} did not arrive in Node ${process.version}`));
    });
    socket.connect(runtime, () => socket.write("_getsocks\n"));
  });
}

/** The handle by which `server` listens, for a process that is sent it: there it is one of its own. */
export function listeningHandle(server: Server): TcpHandle {
  return known(handleOf(server));
}

export function addressOfHandle(handle: TcpHandle): { host: string; port: number } {
  const found: Partial<AddressInfo> = {};
  handle.getsockname(found);
  return { host: found.address!, port: found.port! };
}

interface PipeHandle {
  /** What came with the bytes that were just read. */
  pendingHandle?: { close(): void } | null;
}

/** Not connected yet. Node names its class only by what it makes of it. */
function pipeForHandles(path: string): PipeHandle {
  const sample = connect(path);
  const own = handleOf(sample) as { constructor: new (kind: number) => PipeHandle } | null;
  sample.on("error", () => undefined).destroy();
  if (own === null) throw notHandedOver(unknownNode());
  return new own.constructor(IPC);
}

function handleOf(owner: Server | Socket): unknown {
  return (owner as unknown as { _handle?: unknown })._handle ?? null;
}

/** Throws where Node has sent something else. */
export function known(handle: unknown): TcpHandle {
  if (!isTcp(handle) || !(handle.fd >= 0)) throw notHandedOver(unknownNode());
  return handle;
}

function isTcp(handle: unknown): handle is TcpHandle {
  return typeof handle === "object" && handle !== null && "fd" in handle && "getsockname" in handle;
}

function unknownNode(): string {
  return `Node ${process.version} has no handle of a listener as Node 20 has it`;
}

function notHandedOver(why: string): ServeError {
  return new ServeError({
    code: "DataPlaneUnreachable",
    scope: "dataplane",
    retryable: true,
    reasons: [
      `The endpoint could not be handed from one engine to the other (${why}): the one that serves goes on, and it is tried again.`,
    ],
  });
}

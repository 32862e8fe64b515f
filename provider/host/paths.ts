import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ServeError } from "../core/errors";

/** Where everything of this user lies: `$XDG_STATE_HOME/pulumi-serve`, by default `~/.local/state/pulumi-serve`. */
export function stateHome(): string {
  const base = process.env.XDG_STATE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), ".local", "state"), "pulumi-serve");
}

/** Where the stores of all services lie, one folder each. */
export function servicesFolder(): string {
  return join(stateHome(), "services");
}

/** The folder of one service. Readable by a person, and unique: two identities that sanitise alike differ in the hash. */
export function serviceFolder(identity: string): string {
  const readable = identity
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 80);
  return join(servicesFolder(), `${readable}-${sha256(identity).slice(0, 8)}`);
}

/** Where the balancer of this service writes its access log; the file before it has a `.1` behind its name. */
export function accessLogFile(folder: string): string {
  return join(folder, "access.log");
}

/**
 * The unix socket on which the data plane of this service takes orders. In a short folder of its own, because a socket's
 * path has at most 108 bytes.
 */
export function controlSocket(folder: string): string {
  return join(runtimeFolder(), `${sha256(resolve(folder)).slice(0, 16)}.sock`);
}

/** A further unix socket of the data plane of this service, in the same place and for the same reason. */
export function engineSocket(folder: string, name: string): string {
  return controlSocket(folder).replace(/\.sock$/, `-${name}.sock`);
}

/**
 * Where this user's sockets and port reservations lie while this computer runs. Made here, private to this user: in a
 * shared temporary folder a name that somebody else made first must never be trusted.
 */
export function runtimeFolder(): string {
  const uid = userInfo().uid;
  const folder = join(tmpdir(), `pulumi-serve-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid) {
    throw new ServeError({
      code: "AgentUnreachable",
      scope: "agent",
      reasons: [`${folder} is not a folder of this user, so no control socket is put there: remove it or set TMPDIR.`],
    });
  }
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return folder;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { ServeError } from "../core/errors";

export interface DetachedCommand {
  command: string;
  args: readonly string[];
  /** The whole environment of the child; default `allowedEnvironment()`. */
  env?: Record<string, string>;
  /** Default `/`: a child must not hold somebody's folder. */
  cwd?: string;
  /** Gets stdout and stderr, appended. Never a pipe: an inherited one keeps `pulumi up` hanging. */
  logFile: string;
}

const ALLOWED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/;

/** What of our environment children may see. An allow-list, so that no passphrase and no cloud key ever passes by default. */
export function allowedEnvironment(): Record<string, string> {
  const allowed: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && ALLOWED.test(name)) allowed[name] = value;
  }
  return allowed;
}

/** Starts a process in a session of its own that outlives us and holds nothing of ours open. Returns its pid. */
export function spawnDetached({ command, args, env, cwd, logFile }: DetachedCommand): number {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: env ?? allowedEnvironment(),
      cwd: cwd ?? "/",
    });
    // Without a listener the failure, which is thrown below, would end our own process as well.
    child.on("error", () => undefined);
    if (child.pid === undefined) {
      throw new ServeError({
        code: "LaunchFailed",
        scope: "fatal",
        reasons: [`${command} could not be started: see that it exists and may be run by this user.`],
      });
    }
    child.unref();
    return child.pid;
  } finally {
    closeSync(log);
  }
}

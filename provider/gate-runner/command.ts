import { spawn } from "node:child_process";
import type { CommandContent, GateFacts } from "../core/gate/external";
import type { GateAnswer } from "../core/observed";
import { allowedEnvironment } from "../host/child";
import { AGENT_ENDS, quoted } from "./answer";

const TAIL_CHARACTERS = 8 * 1024;
/** A descendant in a session of its own may hold the output open after the command; its words are not waited for. */
const OUTPUT_WITHIN_MS = 500;

/**
 * A killed agent ends nothing any more, so the group has an end of its own, a moment after ours. The command takes the
 * shell's place, which makes that sleeper no child that its `wait` would wait for.
 */
const SCRIPT = '{ sleep "$1"; kill -s KILL 0; } </dev/null >/dev/null 2>&1 & exec /bin/sh -c "$2"';

/**
 * Runs the command in /bin/sh: exit code 0 passes, everything else fails, its timeout too. It gets the facts as JSON on
 * stdin and in PULUMI_SERVE_* variables, of our environment only what every child may see, its own, and `/` as its folder. It has
 * a process group of its own, all of which ends with it.
 */
export function runCommand(
  { run, env }: CommandContent,
  timeoutSeconds: number,
  facts: GateFacts,
  closing: AbortSignal,
): Promise<GateAnswer> {
  return new Promise((resolve) => {
    const child = spawn("/bin/sh", ["-c", SCRIPT, "gate", String(Math.ceil(timeoutSeconds) + 1), run], {
      detached: true,
      cwd: "/",
      env: { ...allowedEnvironment(), ...env, ...variablesOf(facts) },
    });
    let ended: GateAnswer | null = null;
    let output = "";
    const end = (why: GateAnswer): void => {
      ended ??= why;
      killGroup(child.pid);
    };
    const onClosing = (): void => end(AGENT_ENDS);
    const onTimeout = (): void => end({ outcome: "failed", reason: `it took longer than its ${timeoutSeconds} s` });
    const timer = setTimeout(onTimeout, timeoutSeconds * 1000);
    closing.addEventListener("abort", onClosing);
    const finish = (answer: GateAnswer): void => {
      clearTimeout(timer);
      closing.removeEventListener("abort", onClosing);
      resolve(answer);
    };

    // First of all: without a listener a failed start would end our own process.
    child.on("error", ({ message }) =>
      finish({ outcome: "unreachable", reason: `/bin/sh could not be started: ${message}` }),
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-TAIL_CHARACTERS)));
    }
    // A command that does not read its stdin is no failure.
    child.stdin.on("error", () => undefined).end(JSON.stringify(facts));

    child.on("exit", () => {
      clearTimeout(timer);
      killGroup(child.pid);
      setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream.destroy()), OUTPUT_WITHIN_MS).unref();
    });
    child.on("close", (code, signal) => {
      const { outcome, reason } = ended ?? judge(code, signal);
      finish({ outcome, reason: reason + quoted(output, env) });
    });
  });
}

function judge(code: number | null, signal: string | null): GateAnswer {
  if (code === 0) return { outcome: "passed", reason: "exit code 0" };
  return { outcome: "failed", reason: code === null ? `it was ended by ${signal}` : `exit code ${code}` };
}

function variablesOf({ service, rollout, percent, version, endpoint }: GateFacts): Record<string, string> {
  return {
    PULUMI_SERVE_SERVICE: service,
    PULUMI_SERVE_ENDPOINT: `${endpoint.host}:${endpoint.port}`,
    PULUMI_SERVE_ROLLOUT: String(rollout),
    PULUMI_SERVE_PERCENT: String(percent),
    PULUMI_SERVE_VERSION: String(version),
  };
}

/** While a member is left its number cannot be another group's. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

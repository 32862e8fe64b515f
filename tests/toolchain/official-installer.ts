import * as path from "node:path";
import { pins } from "./pins";
import { run } from "./run";

export interface BringContext {
  env: NodeJS.ProcessEnv;
  say: (line: string) => void;
}

/** Installs into `folder` by Pulumi's own script and returns its bin folder. The user's shell files are not edited. */
export async function runOfficialInstaller(folder: string, { env }: BringContext): Promise<string> {
  const script = path.join(folder, "install.sh");
  // Short limits: where the host cannot be reached, this must cost a moment and not a minute.
  await run("curl", ["-fsSL", "--connect-timeout", "5", "--max-time", "20", "-o", script, "https://get.pulumi.com"], {
    limit: 25_000,
    env,
  });
  await run("sh", [script, "--version", pins.cli, "--install-root", folder, "--no-edit-path"], {
    limit: 5 * 60_000,
    env,
  });
  return path.join(folder, "bin");
}

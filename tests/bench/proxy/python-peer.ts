import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { programIn, serverFolders } from "../../../provider/host/on-path";

const run = promisify(execFile);

/**
 * The Python that has this package, in an environment of its own in our cache: made once. Throws a sentence when there is
 * no Python, or the package cannot be had.
 */
export async function pythonWith(requirement: string): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "pulumi-serve", "bench", requirement.replace(/[^\w.]+/g, "-"));
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  const system = programIn(serverFolders(), "python3");
  if (system === null) throw new Error("there is no `python3` on PATH");
  process.stderr.write(`installing ${requirement}, which takes a minute\n`);
  // Made elsewhere and moved when whole: an interrupted one must not be taken for ready.
  const making = `${folder}.${process.pid}`;
  mkdirSync(join(cache, "pulumi-serve", "bench"), { recursive: true });
  try {
    await run(system, ["-m", "venv", making]);
    await run(join(making, "bin", "python"), ["-m", "pip", "install", "--quiet", requirement]);
    renameSync(making, folder);
    return python;
  } catch (error) {
    throw new Error(
      `${requirement} cannot be installed: ${String((error as { stderr?: string }).stderr ?? error).trim()}`,
    );
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { withCacheLock } from "./cache-lock";
import { buildFromGoModules } from "./go-modules";
import { runOfficialInstaller } from "./official-installer";
import { pins } from "./pins";
import { run } from "./run";
import { isAtLeast, versionIn } from "./version";

export interface PulumiCli {
  /** The folder with `pulumi` and `pulumi-language-nodejs`, to be put on PATH. */
  bin: string;
  version: string;
  from: "path" | "cache" | "installer" | "go";
}

export interface BringOptions {
  /** The environment whose PATH is searched and whose cache is used. Default: this process's. */
  env?: NodeJS.ProcessEnv;
  /** Takes one line at a time. Default: the terminal. */
  say?: (line: string) => void;
}

/**
 * A Pulumi CLI that is new enough, from the nearest place that has one. Cheap when it is there already; minutes when it
 * has to be built. Runs at the same time wait for one another instead of building twice.
 */
export async function bringPulumi(options: BringOptions = {}): Promise<PulumiCli> {
  const env = options.env ?? process.env;
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`));
  const reasons: string[] = [];

  const onPath = await findOnPath(env, reasons);
  if (onPath !== null) return onPath;

  const place = cacheFolder(env);
  const cached = inCache(place);
  if (cached !== null) return cached;
  reasons.push(`cache: nothing in ${place}`);

  fs.mkdirSync(path.dirname(place), { recursive: true });
  return withCacheLock(
    `${place}.lock`,
    () => say(`pulumi: another run is bringing ${pins.cli}; waiting for it`),
    () => inCacheOrFetched(place, env, say, reasons),
  );
}

/** `$XDG_CACHE_HOME/pulumi-serve/pulumi/<version>-<platform>`. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const home = env["XDG_CACHE_HOME"] || path.join(env["HOME"] ?? os.homedir(), ".cache");
  return path.join(home, "pulumi-serve", "pulumi", `${pins.cli}-${process.platform}-${process.arch}`);
}

/**
 * The environment for the CLI on a file backend inside `folder`: nobody's login, stacks, plugins or services are
 * touched. What the caller's own environment says about Pulumi is left out.
 */
export function pulumiEnvironment(cli: PulumiCli, folder: string): Record<string, string> {
  const places = { home: "pulumi-home", backend: "backend", state: "state" };
  for (const name of Object.values(places)) fs.mkdirSync(path.join(folder, name), { recursive: true });
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith("PULUMI_"),
  );
  return {
    ...Object.fromEntries(inherited),
    // The launcher of dynamic providers comes with the npm package, not with the CLI.
    PATH: [cli.bin, path.dirname(require.resolve("@pulumi/pulumi/package.json")), process.env["PATH"] ?? ""].join(
      path.delimiter,
    ),
    PULUMI_HOME: path.join(folder, places.home),
    PULUMI_BACKEND_URL: `file://${path.join(folder, places.backend)}`,
    PULUMI_CONFIG_PASSPHRASE: "correct horse battery staple",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    XDG_STATE_HOME: path.join(folder, places.state),
  };
}

async function findOnPath(env: NodeJS.ProcessEnv, reasons: string[]): Promise<PulumiCli | null> {
  const found = (env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => folder !== "" && isProgram(path.join(folder, "pulumi")));
  for (const folder of found) {
    const program = path.join(folder, "pulumi");
    const version = await versionOf(program);
    if (version === null || !isAtLeast(version, pins.oldestCli)) {
      reasons.push(`PATH: ${program} is ${version ?? "not runnable"}, ${pins.oldestCli} is the oldest that works`);
      continue;
    }
    const bin = [folder, path.dirname(fs.realpathSync(program))].find(isComplete);
    if (bin !== undefined) return { bin, version, from: "path" };
    reasons.push(`PATH: ${program} has no pulumi-language-nodejs beside it`);
  }
  if (found.length === 0) reasons.push("PATH: no pulumi");
  return null;
}

function inCache(place: string): PulumiCli | null {
  return isComplete(place) ? { bin: place, version: pins.cli, from: "cache" } : null;
}

async function inCacheOrFetched(
  place: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  reasons: string[],
): Promise<PulumiCli> {
  const cached = inCache(place);
  if (cached !== null) return cached;
  sweepUnfinished(path.dirname(place));

  const ways = [
    { from: "installer", what: "the official installer", bring: runOfficialInstaller },
    { from: "go", what: "a build from Go modules (about 4 minutes on 2 cores)", bring: buildFromGoModules },
  ] as const;
  for (const way of ways) {
    const started = Date.now();
    const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;
    say(`pulumi ${pins.cli}: trying ${way.what}`);
    // Beside its final place, so that the last step is a rename within one file system.
    const folder = fs.mkdtempSync(path.join(path.dirname(place), unfinished));
    try {
      const bin = await way.bring(folder, { env, say: (line) => say(`pulumi ${pins.cli}: ${line} (${seconds()})`) });
      await verify(bin);
      fs.rmSync(place, { recursive: true, force: true });
      fs.renameSync(bin, place);
      say(`pulumi ${pins.cli}: ready after ${seconds()}, kept in ${place}`);
      return { bin: place, version: pins.cli, from: way.from };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reasons.push(`${way.what}: ${reason}`);
      say(`pulumi ${pins.cli}: not by ${way.from} (${seconds()})`);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      `No Pulumi CLI could be had. Install ${pins.oldestCli} or newer (https://www.pulumi.com/docs/install/), or Go 1.25 or newer so that it can be built, and run this again.`,
      ...reasons.map((reason) => `  ${reason}`),
    ].join("\n"),
  );
}

const unfinished = ".unfinished-";

/** What killed runs left. Only the holder of the lock calls this, so nothing in use is removed. */
function sweepUnfinished(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    if (name.startsWith(unfinished)) fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}

async function verify(bin: string): Promise<void> {
  if (!isComplete(bin)) throw new Error(`${bin} lacks pulumi or pulumi-language-nodejs`);
  const version = await versionOf(path.join(bin, "pulumi"));
  if (version !== pins.cli) throw new Error(`it calls itself ${version ?? "nothing"}, ${pins.cli} was asked for`);
}

async function versionOf(program: string): Promise<string | null> {
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    return versionIn(await run(program, ["version"], { limit: 30_000, env }));
  } catch {
    return null;
  }
}

function isComplete(folder: string): boolean {
  return ["pulumi", "pulumi-language-nodejs"].every((name) => isProgram(path.join(folder, name)));
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as tar from "tar";
import { type CommandResult, startCommand } from "../e2e/harness/command";
import { endProcesses, type FoundProcess, processesOf } from "../e2e/harness/processes";
import { bringPulumi, pulumiEnvironment } from "../toolchain/pulumi";

const repository = path.resolve(__dirname, "../..");

export interface Packed {
  /** The tarball. */
  file: string;
  /** Paths inside it. */
  files: string[];
}

/** `npm pack` into `folder`. */
export async function pack(folder: string): Promise<Packed> {
  const env = environment(process.env);
  // Made before, not by npm's own hook, whose output would stand before the JSON.
  await must(process.execPath, ["tests/toolchain/build.mjs", "--if-needed"], repository, env);
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, "--loglevel=error"];
  const { stdout } = await must("npm", args, repository, env);
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (packed === undefined) throw new Error(`npm pack said nothing: ${stdout}`);
  return { file: path.join(folder, packed.filename), files: packed.files.map((file) => file.path) };
}

/** A Pulumi project of its own, outside the repository, that has pulumi-serve from the tarball and nothing from here. */
export class InstalledProject {
  private constructor(
    readonly folder: string,
    /** Where the program is; everything of the run is beside it. */
    readonly project: string,
    readonly env: Record<string, string>,
    readonly packed: Packed,
  ) {}

  /** Writes the files, by path, and installs. */
  static async create(files: Record<string, string>): Promise<InstalledProject> {
    const cli = await bringPulumi();
    const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "serve-package-")));
    try {
      const packed = await pack(folder);
      const project = path.join(folder, "project");
      const env = environment(pulumiEnvironment(cli, folder));
      // The launcher of dynamic providers must be the project's own, as it is for somebody who has no checkout of ours.
      const ours = path.dirname(require.resolve("@pulumi/pulumi/package.json"));
      const theirs = path.join(project, "node_modules", "@pulumi", "pulumi");
      env["PATH"] = (env["PATH"] ?? "").replace(ours, theirs);
      const all = { "Pulumi.yaml": "name: outside\nruntime: nodejs\n", "package.json": manifest(packed), ...files };
      for (const [name, text] of Object.entries(all)) {
        fs.mkdirSync(path.dirname(path.join(project, name)), { recursive: true });
        fs.writeFileSync(path.join(project, name), text);
      }
      const installed = new InstalledProject(folder, project, env, packed);
      await installed.must("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
      return installed;
    } catch (error) {
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Runs a command in the project to its end, whatever that is. */
  run(command: string, ...args: string[]): Promise<CommandResult> {
    return startCommand(command, args, { cwd: this.project, env: this.env, seconds: 300 }).done;
  }

  /** As `run`, but throws with all output when it fails. */
  must(command: string, ...args: string[]): Promise<CommandResult> {
    return must(command, args, this.project, this.env);
  }

  write(name: string, text: string): void {
    fs.writeFileSync(path.join(this.project, name), text);
  }

  /** Installs what `npm pack` would make of this checkout once it has that version. */
  async upgrade(version: string): Promise<void> {
    const unpacked = fs.mkdtempSync(path.join(this.folder, "upgrade-"));
    await tar.extract({ file: this.packed.file, cwd: unpacked });
    const next = path.join(unpacked, "package");
    const file = path.join(next, "package.json");
    const manifest = JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, unknown>;
    fs.writeFileSync(file, JSON.stringify({ ...manifest, version }));
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", unpacked, "--loglevel=error"];
    const [packed] = JSON.parse((await must("npm", args, next, this.env)).stdout) as { filename: string }[];
    const tarball = path.join(unpacked, packed!.filename);
    await this.must("npm", "install", tarball, "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error");
  }

  processes(): FoundProcess[] {
    return processesOf(this.folder);
  }

  async dispose(): Promise<void> {
    // Twice over: one that was just being started by another is seen the second time.
    for (let found = this.processes(); found.length > 0; found = this.processes()) await endProcesses(found);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function manifest({ file }: Packed): string {
  const sdk = JSON.parse(fs.readFileSync(require.resolve("@pulumi/pulumi/package.json"), "utf8")) as {
    version: string;
  };
  return JSON.stringify({
    name: "outside",
    private: true,
    main: "index.ts",
    dependencies: { "@pulumi/pulumi": sdk.version, "pulumi-serve": `file:${file}` },
    devDependencies: { "@types/node": "^20", typescript: "~5.9.0" },
  });
}

/** Without what npm tells the scripts that it runs: a nested npm would take it for its own settings. */
function environment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^npm_(package|lifecycle|command)/.test(entry[0]),
    ),
  );
}

async function must(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<CommandResult> {
  const result = await startCommand(command, args, { cwd, env, seconds: 300 }).done;
  if (result.code === 0) return result;
  throw new Error(`${command} ${args.join(" ")} ended with code ${result.code}:\n${result.output}`);
}

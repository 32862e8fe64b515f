import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { whenInterrupted } from "../../toolchain/interrupt";
import { bringPulumi, pulumiEnvironment } from "../../toolchain/pulumi";
import { type CommandOptions, type CommandResult, type RunningCommand, startCommand } from "./command";
import { endProcesses, type FoundProcess, processesOf } from "./processes";

export const repository = join(__dirname, "../../..");

/** What `pulumi preview --json` and `pulumi stack export` say about a resource, as far as tests look at it. */
export interface ExportedResource {
  urn: string;
  id?: string;
  inputs: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/**
 * A copy of an example in a temporary folder, with its own Pulumi home, backend and state home. Everything that runs
 * for it has the folder's name in its environment, which is how leftovers are found.
 */
export class Workspace {
  #settled: () => void = () => undefined;

  private constructor(
    readonly folder: string,
    /** The folder of the program, from which `pulumi` is run. */
    readonly project: string,
    /** The name in Pulumi.yaml, which examples share with their package.json. */
    readonly projectName: string,
    readonly stack: string,
    readonly env: Record<string, string>,
  ) {}

  static async create(example: "quickstart" | "model-service" = "quickstart", stack = "test"): Promise<Workspace> {
    const cli = await bringPulumi();
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "serve-test-")));
    const project = join(folder, "examples", example);
    const options = { recursive: true, filter: (source: string) => !source.includes("node_modules") };
    cpSync(join(repository, "examples", example), project, options);
    if (example === "quickstart") cpSync(join(repository, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    // As npm links a workspace: node finds pulumi-serve and @pulumi/pulumi from the copy as it does from the original.
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    const { name } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { name: string };
    const workspace = new Workspace(folder, project, name, stack, pulumiEnvironment(cli, folder));
    workspace.#settled = whenInterrupted(() => workspace.dispose());
    await workspace.must("stack", "init", workspace.stack);
    return workspace;
  }

  /** Runs the CLI to its end, whatever that is. */
  pulumi(args: readonly string[], options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return this.start(args, options).done;
  }

  start(args: readonly string[], options: Partial<CommandOptions> = {}): RunningCommand {
    const all = [...args, "--non-interactive", "--color", "never"];
    return startCommand("pulumi", all, { cwd: this.project, env: this.env, ...options });
  }

  /**
   * `kill -9` of a running CLI. Its language host, which Pulumi itself leaves behind then, is ended as well: it would hide
   * what must go by itself, the process of our handlers.
   */
  async killCli(command: RunningCommand): Promise<void> {
    command.kill("SIGKILL");
    await command.done;
    await endProcesses(this.processes().filter((process_) => process_.command.includes("pulumi-language-nodejs")));
  }

  /** Runs the CLI; throws with all its output when it fails. */
  async must(...args: string[]): Promise<CommandResult> {
    return succeeded(`pulumi ${args.join(" ")}`, await this.pulumi(args));
  }

  up(options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return this.pulumi(["up", "--yes", "--skip-preview"], options);
  }

  async mustUp(options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return succeeded("pulumi up", await this.up(options));
  }

  /** The package's own command, as `npx pulumi-serve` runs it. */
  serve(...args: string[]): Promise<CommandResult> {
    const cli = join(repository, "dist/provider/cli/main.js");
    return startCommand(process.execPath, [cli, ...args], { cwd: this.project, env: this.env }).done;
  }

  async mustServe(...args: string[]): Promise<CommandResult> {
    return succeeded(`pulumi-serve ${args.join(" ")}`, await this.serve(...args));
  }

  /** Sets values in the stack's config, under the package's own namespace. */
  async configure(values: Record<string, string | number>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `pulumi-serve:${key}=${value}`]);
    await this.must("config", "set-all", ...pairs);
  }

  /** Writes the file that plays the cloud, and returns its path. */
  writeCloud(cloud: { bootSeconds: number } & Record<string, unknown>): string {
    const file = join(this.folder, "cloud.json");
    writeFileSync(file, JSON.stringify(cloud, null, 2));
    return file;
  }

  /** Changes a file of the program's folder. */
  edit(file: string, change: (text: string) => string): void {
    const path = join(this.project, file);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }

  /** As `edit`, for one place in the file, which must be there. */
  replace(file: string, from: string, to: string): void {
    this.edit(file, (text) => {
      if (!text.includes(from)) throw new Error(`${file} holds no ${from}`);
      return text.replace(from, to);
    });
  }

  async exportedState(): Promise<{ text: string; resources: ExportedResource[] }> {
    const { stdout } = await this.must("stack", "export");
    const exported = JSON.parse(stdout) as { deployment: { resources?: ExportedResource[] } };
    return { text: stdout, resources: exported.deployment.resources ?? [] };
  }

  async output(name: string): Promise<string> {
    return (await this.must("stack", "output", name)).stdout.trim();
  }

  /** Files under `folder` that hold this text, those left out that only their owner may read and that exist to hold it. */
  filesHolding(text: string, folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && basename(entry.parentPath) !== "secrets")
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(text));
  }

  processes(): FoundProcess[] {
    return processesOf(this.folder);
  }

  /** Ends every process, as a reboot does: until none is left, because agent and data plane start each other again. */
  async endAll(): Promise<void> {
    for (let found = this.processes(); found.length > 0; found = this.processes()) await endProcesses(found);
  }

  /** Ends everything that runs for this workspace and removes its folder. For tests that have seen enough, and for failures. */
  async dispose(): Promise<void> {
    this.#settled();
    await this.endAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function succeeded(command: string, result: CommandResult): CommandResult {
  if (result.code === 0) return result;
  throw new Error(`${command} ended with code ${result.code}:\n${result.output}`);
}

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { parse, stringify } from "yaml";
import { controlSocket, runtimeFolder } from "../../../provider/host/paths";
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

/** One step of `pulumi preview --json`. */
export interface PreviewStep {
  op: string;
  urn: string;
  newState: { inputs: Record<string, unknown> };
}

/**
 * A copy of an example in a temporary folder, with its own Pulumi home, backend and state home. Everything that runs
 * for it has the folder's name in its environment, which is how leftovers are found.
 */
export class Workspace {
  #settled: () => void = () => undefined;
  #precompiles = false;

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
    installInto(folder);
    const { name } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { name: string };
    const workspace = new Workspace(folder, project, name, stack, pulumiEnvironment(cli, folder));
    workspace.#settled = whenInterrupted(() => workspace.dispose());
    await workspace.must("stack", "init", workspace.stack);
    return workspace;
  }

  /**
   * From here on the CLI runs the program as plain JavaScript, compiled before each command: few tests are about
   * TypeScript, and loading what it needs is half of what a command costs.
   */
  precompile(): this {
    this.#precompiles = true;
    this.env["NODE_OPTIONS"] = `--require ${join(__dirname, "quick-sdk.js")}`;
    this.replace("package.json", `"main": "index.ts"`, `"main": "index.js"`);
    return this;
  }

  /** Runs the CLI to its end, whatever that is. */
  pulumi(args: readonly string[], options: Partial<CommandOptions> = {}): Promise<CommandResult> {
    return this.start(args, options).done;
  }

  start(args: readonly string[], options: Partial<CommandOptions> = {}): RunningCommand {
    if (this.#precompiles) this.#compile();
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

  async previewSteps(): Promise<PreviewStep[]> {
    const { stdout } = await this.must("preview", "--json");
    return (JSON.parse(stdout) as { steps: PreviewStep[] }).steps;
  }

  /** The package's own command, as `npx pulumi-serve` runs it. */
  serve(...args: string[]): Promise<CommandResult> {
    const cli = join(repository, "dist/provider/cli/main.js");
    return startCommand(process.execPath, [cli, ...args], { cwd: this.project, env: this.env }).done;
  }

  async mustServe(...args: string[]): Promise<CommandResult> {
    return succeeded(`pulumi-serve ${args.join(" ")}`, await this.serve(...args));
  }

  /**
   * Sets values in the stack's config, under the package's own namespace: in the file, as a person with an editor does,
   * which costs a second less each time than `pulumi config set-all`.
   */
  async configure(values: Record<string, string | number>): Promise<void> {
    const file = join(this.project, `Pulumi.${this.stack}.yaml`);
    const settings = parsedYaml(file);
    const changed = Object.entries(values).map(([key, value]) => [`pulumi-serve:${key}`, String(value)] as const);
    const config = { ...(settings["config"] as object | undefined), ...Object.fromEntries(changed) };
    writeFileSync(file, stringify({ ...settings, config }));
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
    this.#removeSockets();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Those of data planes that were killed: no folder of ours has them, as a socket's path must be short. */
  #removeSockets(): void {
    const services = join(this.env["XDG_STATE_HOME"]!, "pulumi-serve", "services");
    const stores = existsSync(services) ? readdirSync(services) : [];
    const marks = stores.map((store) => basename(controlSocket(join(services, store)), ".sock"));
    for (const name of readdirSync(runtimeFolder())) {
      if (marks.some((mark) => name.startsWith(mark))) rmSync(join(runtimeFolder(), name), { force: true });
    }
  }

  #compile(): void {
    const program = readFileSync(join(this.project, "index.ts"), "utf8");
    const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
    writeFileSync(join(this.project, "index.js"), transpileModule(program, { compilerOptions }).outputText);
  }
}

/**
 * What the program and the process of the handlers look for, linked to this checkout. No more than that: Pulumi searches
 * the whole folder for plugins at every command, and this checkout with all that it depends on has 15000 files.
 */
function installInto(folder: string): void {
  const links = {
    "@pulumi/pulumi": "node_modules/@pulumi/pulumi",
    "pulumi-serve/package.json": "package.json",
    "pulumi-serve/dist": "dist",
  };
  for (const [name, target] of Object.entries(links)) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, target), link);
  }
}

function parsedYaml(file: string): Record<string, unknown> {
  return parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

function succeeded(command: string, result: CommandResult): CommandResult {
  if (result.code === 0) return result;
  throw new Error(`${command} ended with code ${result.code}:\n${result.output}`);
}

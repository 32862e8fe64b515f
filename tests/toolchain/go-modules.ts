import * as fs from "node:fs";
import * as path from "node:path";
import type { BringContext } from "./official-installer";
import { pins } from "./pins";
import { run } from "./run";
import { copyWithoutClouds } from "./without-clouds";

interface GoProgram {
  /** The folder under `go/` with its go.mod and go.sum: each program needs its own, their versions exclude each other. */
  module: "cli" | "language-host";
  package: string;
  output: string;
  flags: readonly string[];
  /** What is done in the copy of its module before it is built there. */
  prepare?: (go: Go, folder: string) => Promise<void>;
}

/** Runs `go` in the program's module. */
type Go = (...args: string[]) => Promise<string>;

const pkg = "github.com/pulumi/pulumi/pkg/v3";

const programs: readonly GoProgram[] = [
  {
    module: "language-host",
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    output: "pulumi-language-nodejs",
    flags: ["-ldflags", "-s -w"],
  },
  {
    module: "cli",
    package: `${pkg}/cmd/pulumi`,
    output: "pulumi",
    flags: [
      "-tags",
      "osusergo,grpcnotrace",
      "-ldflags",
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pins.cli}`,
    ],
    prepare: async (go, folder) => {
      const told = await go("mod", "download", "-json", pkg);
      const { Dir } = JSON.parse(told.slice(told.indexOf("{"))) as { Dir: string };
      copyWithoutClouds(Dir, path.join(folder, "pulumi"));
      await go("mod", "edit", "-replace", `${pkg}=./pulumi`);
    },
  },
];

/** Builds both programs into `folder` and returns their bin folder. */
export async function buildFromGoModules(folder: string, { env, say }: BringContext): Promise<string> {
  const bin = path.join(folder, "bin");
  fs.mkdirSync(bin);
  const ticker = setInterval(() => say("still building"), 30_000);
  try {
    for (const program of programs) {
      await build(program, folder, bin, env);
      say(`${program.output} is built`);
    }
  } finally {
    clearInterval(ticker);
  }
  return bin;
}

async function build(program: GoProgram, folder: string, bin: string, env: NodeJS.ProcessEnv): Promise<void> {
  const cwd = path.join(folder, program.module);
  fs.cpSync(path.join(__dirname, "go", program.module), cwd, { recursive: true });
  const go: Go = (...args) =>
    run("go", args, {
      cwd,
      // A user's own workspace or module flags must not reach into this build. Each compiler is over in seconds and has
      // memory enough: collecting garbage as often as by default is a tenth of its time.
      env: { ...env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off", GOGC: "400" },
      limit: 30 * 60_000,
      background: true,
    });
  await program.prepare?.(go, cwd);
  const output = path.join(bin, program.output);
  // The linker strips what debuggers need; without this flag it would be made first, which is another tenth.
  const flags = ["-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", ...program.flags];
  await go("build", ...flags, "-o", output, program.package);
}

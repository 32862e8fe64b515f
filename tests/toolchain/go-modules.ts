import * as fs from "node:fs";
import * as path from "node:path";
import type { BringContext } from "./official-installer";
import { pins } from "./pins";
import { run } from "./run";

interface GoProgram {
  /** The folder under `go/` with its go.mod and go.sum: each program needs its own, their versions exclude each other. */
  module: "cli" | "language-host";
  package: string;
  output: string;
  flags: readonly string[];
}

const programs: readonly GoProgram[] = [
  {
    module: "language-host",
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    output: "pulumi-language-nodejs",
    flags: ["-ldflags", "-s -w"],
  },
  {
    module: "cli",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    output: "pulumi",
    flags: [
      "-tags",
      "osusergo,grpcnotrace",
      "-ldflags",
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pins.cli}`,
    ],
  },
];

/** Builds both programs into `folder` and returns their bin folder. */
export async function buildFromGoModules(folder: string, { env, say }: BringContext): Promise<string> {
  const bin = path.join(folder, "bin");
  fs.mkdirSync(bin);
  const ticker = setInterval(() => say("still building"), 30_000);
  try {
    for (const program of programs) {
      const cwd = path.join(folder, program.module);
      fs.cpSync(path.join(__dirname, "go", program.module), cwd, { recursive: true });
      await run(
        "go",
        [
          "build",
          "-trimpath",
          "-buildvcs=false",
          ...program.flags,
          "-o",
          path.join(bin, program.output),
          program.package,
        ],
        // A user's own workspace or module flags must not reach into this build.
        {
          cwd,
          env: { ...env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
          limit: 30 * 60_000,
          background: true,
        },
      );
      say(`${program.output} is built`);
    }
  } finally {
    clearInterval(ticker);
  }
  return bin;
}

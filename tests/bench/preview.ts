import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { Workspace } from "../e2e/harness/workspace";

const ROUNDS = 9;
const BAR = 1.3;
const EMPTY = `import * as pulumi from "@pulumi/pulumi";\n`;
/** As `pulumi new typescript` writes it. */
const NEW_PROJECT = {
  compilerOptions: {
    strict: true,
    outDir: "bin",
    target: "es2020",
    module: "commonjs",
    moduleResolution: "node",
    sourceMap: true,
    experimentalDecorators: true,
    pretty: true,
    noFallthroughCasesInSwitch: true,
    noImplicitReturns: true,
    forceConsistentCasingInFileNames: true,
  },
  files: ["index.ts"],
};

type Program = "quickstart" | "empty" | "emptyUnchecked";

/**
 * What `pulumi preview` of the quickstart takes beside that of a program without resources: one as `pulumi new typescript`
 * makes it, and one whose types are not checked, as the quickstart's are not. Interleaved, the least of each is compared:
 * whatever else the computer does only adds.
 */
export async function benchPreview(json: boolean): Promise<void> {
  const workspaces = new Map<Program, Workspace>();
  try {
    for (const program of ["quickstart", "empty", "emptyUnchecked"] as const) {
      const workspace = await Workspace.create();
      workspaces.set(program, workspace);
      if (program !== "quickstart") makeEmpty(workspace, program);
      await workspace.must("preview");
    }
    const least: Record<Program, number> = { quickstart: Infinity, empty: Infinity, emptyUnchecked: Infinity };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [program, workspace] of workspaces) {
        const began = performance.now();
        await workspace.must("preview");
        least[program] = Math.min(least[program], (performance.now() - began) / 1000);
      }
    }
    report(least, json);
  } finally {
    for (const workspace of workspaces.values()) await workspace.dispose();
  }
}

function makeEmpty({ project }: Workspace, program: Exclude<Program, "quickstart">): void {
  writeFileSync(join(project, "index.ts"), EMPTY);
  if (program === "empty") writeFileSync(join(project, "tsconfig.json"), JSON.stringify(NEW_PROJECT));
}

function report(least: Record<Program, number>, json: boolean): void {
  const round = (value: number) => Number(value.toFixed(3));
  const result = {
    rounds: ROUNDS,
    leastSeconds: {
      quickstart: round(least.quickstart),
      empty: round(least.empty),
      emptyUnchecked: round(least.emptyUnchecked),
    },
    ratio: round(least.quickstart / least.empty),
    ratioUnchecked: round(least.quickstart / least.emptyUnchecked),
    bar: BAR,
    loadAverage: loadavg()[0],
  };
  if (json) return void process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const [program, seconds] of Object.entries(result.leastSeconds)) {
    process.stdout.write(`${program.padEnd(15)} ${seconds.toFixed(2).padStart(6)} s\n`);
  }
  process.stdout.write(
    `quickstart / empty ${result.ratio.toFixed(2)} (at most ${BAR}), / empty without type checks ${result.ratioUnchecked.toFixed(2)}\n`,
  );
}

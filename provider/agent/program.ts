import { existsSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

/** How to start one of this package's own programs. */
export interface Program {
  command: string;
  args: string[];
}

/** `main` without its extension, absolute. From sources (tests) it runs through ts-node, from the package as it is. */
export function ownProgram(main: string): Program {
  if (extname(__filename) !== ".ts") return { command: process.execPath, args: [`${main}.js`] };
  // By its own command: its `-r` form looks for the tsconfig from the working folder, and an agent has none of its own.
  const tsNode = [require.resolve("ts-node/dist/bin"), "-T", "-P", join(packageFolder(), "tsconfig.json")];
  return { command: process.execPath, args: [...tsNode, `${main}.ts`] };
}

/** The version of the package that this file belongs to. */
export function packageVersion(): string {
  const manifest = readFileSync(join(packageFolder(), "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function packageFolder(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

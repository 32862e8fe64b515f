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
  return { command: process.execPath, args: ["-r", require.resolve("ts-node/register/transpile-only"), `${main}.ts`] };
}

/** The version of the package that this file belongs to. */
export function packageVersion(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
}

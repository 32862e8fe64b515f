import { dirname, extname } from "node:path";

/** What Node is to be started with to run a module of this package, given without its extension. */
export function programOf(module: string): { args: string[]; cwd: string | undefined } {
  if (extname(__filename) !== ".ts") return { args: [`${module}.js`], cwd: undefined };
  // From sources (tests) it runs through ts-node, which looks for the tsconfig from its working folder.
  return { args: ["-r", require.resolve("ts-node/register/transpile-only"), `${module}.ts`], cwd: dirname(module) };
}

import * as fs from "node:fs";
import * as path from "node:path";

const text = fs.readFileSync(path.resolve(__dirname, "../../README.md"), "utf8");

/**
 * The README's code block that begins with a comment naming this file: tests run what a reader copies, so that it
 * cannot rot.
 */
export function readmeFile(name: string): string {
  const blocks = [...text.matchAll(/```\w+\n([^\n]*)\n([\s\S]*?)```/g)];
  const block = blocks.find(([, first]) => first?.replace(/^(\/\/|#)\s*/, "") === name);
  if (block === undefined) throw new Error(`README.md has no code block whose first line is "// ${name}"`);
  return `${block[2]}`;
}

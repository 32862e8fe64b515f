import assert from "node:assert/strict";
import * as path from "node:path";
import { ESLint } from "eslint";

const root = path.resolve(__dirname, "../..");

describe("the lint rules that hold the layers", function () {
  this.timeout(180_000);
  const eslint = new ESLint({ cwd: root, overrideConfigFile: path.join(root, ".eslint.config.mjs") });

  /**
   * What is said about `text` if it stood in an existing file: a new file would be in no TypeScript project. Later texts
   * see it in that place too, so no file may be both replaced and imported here.
   */
  async function rulesBroken(file: string, text: string): Promise<string[]> {
    const [result] = await eslint.lintText(text, { filePath: path.join(root, file) });
    assert.ok(result, `${file} is not linted`);
    assert.deepEqual(
      result.messages.filter((message) => message.ruleId === null),
      [],
    );
    return result.messages.map((message) => message.ruleId ?? "");
  }

  const refused: [what: string, file: string, text: string, rule: string][] = [
    [
      "the core that imports a port",
      "provider/core/target.ts",
      'import type { Clock } from "../ports/clock";\nexport type A = Clock;\n',
      "import-x/no-restricted-paths",
    ],
    [
      "the core that imports node",
      "provider/core/target.ts",
      'import * as fs from "node:fs";\nexport const a = fs.existsSync;\n',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "the core that imports a library that is not pure",
      "provider/core/target.ts",
      'import * as tar from "tar";\nexport const a = tar.create;\n',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "the core that reads the clock",
      "provider/core/target.ts",
      "export const a = (): number => Date.now();\n",
      "no-restricted-properties",
    ],
    [
      "the core that makes a date of now",
      "provider/core/target.ts",
      "export const a = (): Date => new Date();\n",
      "no-restricted-syntax",
    ],
    [
      "the core that rolls dice",
      "provider/core/target.ts",
      "export const a = (): number => Math.random();\n",
      "no-restricted-properties",
    ],
    [
      "the core that reads the environment",
      "provider/core/target.ts",
      'export const a = process.env["HOME"];\n',
      "no-restricted-globals",
    ],
    [
      "a port that imports an adapter",
      "provider/ports/clock.ts",
      'import { systemClock } from "../host/clock";\nexport const a = systemClock;\n',
      "import-x/no-restricted-paths",
    ],
    [
      "an adapter that imports an edge",
      "provider/host/child.ts",
      'import type * as edge from "../controller/tick";\nexport type A = typeof edge;\n',
      "import-x/no-restricted-paths",
    ],
    [
      "provider code that imports the SDK",
      "provider/host/child.ts",
      'import type * as sdk from "../../sdk/index";\nexport type A = typeof sdk;\n',
      "import-x/no-restricted-paths",
    ],
    [
      "the SDK that loads provider code",
      "sdk/index.ts",
      'import { ServeError } from "../provider/core/errors";\nexport const a = ServeError;\n',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "a promise that nobody waits for",
      "provider/host/child.ts",
      "export function a(): void {\n  Promise.resolve(1);\n}\n",
      "@typescript-eslint/no-floating-promises",
    ],
    [
      "a switch that forgets a case",
      "provider/host/child.ts",
      'export function a(b: "x" | "y"): number {\n  switch (b) {\n    case "x":\n      return 1;\n  }\n  return 2;\n}\n',
      "@typescript-eslint/switch-exhaustiveness-check",
    ],
  ];
  for (const [what, file, text, rule] of refused) {
    it(`refuse ${what}`, async () => {
      const broken = await rulesBroken(file, text);
      assert.ok(broken.includes(rule), `${rule} is silent; what spoke: ${broken.join(", ")}`);
    });
  }

  const accepted: [what: string, file: string, text: string][] = [
    [
      "the core that uses its own and the pure libraries",
      "provider/core/target.ts",
      'import { z } from "zod";\nimport { digest } from "./digest";\nexport const a = [z, digest];\n',
    ],
    [
      "an adapter that uses the host and a port",
      "provider/store/file/file-store.ts",
      'import { computerId } from "../../host/computer";\nimport type { Reporter } from "../../ports/reporter";\n' +
        "export const a = (to: Reporter): void => to.info(computerId());\n",
    ],
    [
      "the SDK that uses types of the provider",
      "sdk/index.ts",
      'import type { ErrorCode } from "../provider/core/errors";\nexport type A = ErrorCode;\n',
    ],
  ];
  for (const [what, file, text] of accepted) {
    it(`accept ${what}`, async () => assert.deepEqual(await rulesBroken(file, text), []));
  }
});

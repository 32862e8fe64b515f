"use strict";

/**
 * To be required before a TypeScript file is run: types are removed, as by ts-node with --transpile-only. Each text is
 * compiled once for all processes, and kept: a test run starts hundreds of them, and each would spend a second on loading
 * the compiler and on compiling again what others have compiled.
 */
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const root = path.resolve(__dirname, "../..");
const kept = path.join(root, "node_modules", ".cache", "pulumi-serve", "compiled");
const { compilerOptions } = require(path.join(root, "tsconfig.json"));
const madeBy = JSON.stringify([require("typescript/package.json").version, compilerOptions]);

require.extensions[".ts"] = (module, file) => {
  module._compile(compiled(fs.readFileSync(file, "utf8"), path.basename(file)), file);
};
process.setSourceMapsEnabled(true);

function compiled(text, name) {
  const key = createHash("sha256")
    .update(JSON.stringify([madeBy, name, text]))
    .digest("hex");
  const place = path.join(kept, `${key}.js`);
  try {
    return fs.readFileSync(place, "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const javaScript = compile(text, name);
  fs.mkdirSync(kept, { recursive: true });
  // Beside its place and then renamed: another process must not read half of it.
  const unfinished = `${place}.${process.pid}`;
  fs.writeFileSync(unfinished, javaScript);
  fs.renameSync(unfinished, place);
  return javaScript;
}

function compile(text, name) {
  const ts = require("typescript");
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...compilerOptions, declaration: false, inlineSourceMap: true },
    root,
  );
  return ts.transpileModule(text, { fileName: name, compilerOptions: options }).outputText;
}

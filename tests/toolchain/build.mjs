// Compiles sdk/ and provider/ to dist/. Used by `npm run build`, by the bootstrap and before packing.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const sources = ["sdk", "provider"];

/** Whether dist/ is newer than everything it is made from. */
export function isBuilt(root) {
  const stamp = timeOf(path.join(root, stampFile));
  const inputs = sources.flatMap((folder) =>
    filesUnder(path.join(root, folder)).concat(foldersUnder(path.join(root, folder))),
  );
  return stamp !== null && [...inputs, path.join(root, "tsconfig.json")].every((file) => (timeOf(file) ?? 0) <= stamp);
}

export function build(root) {
  const started = new Date();
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.json"], { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    process.stderr.write("The TypeScript sources do not compile; see above.\n");
    process.exit(1);
  }
  removeOrphans(root);
  // npm sets this bit when it installs the package; here the file is made after npm has run.
  const cli = path.join(root, "dist", "provider", "cli", "main.js");
  if (fs.existsSync(cli)) fs.chmodSync(cli, 0o755);
  // The time before compiling: an edit made meanwhile must count as newer.
  fs.writeFileSync(path.join(root, stampFile), "");
  fs.utimesSync(path.join(root, stampFile), started, started);
}

const stampFile = path.join("dist", ".built");

/** A module whose source is gone would still be found, and packed. Nothing else is removed: a service may run from here. */
function removeOrphans(root) {
  for (const folder of sources) {
    for (const file of filesUnder(path.join(root, "dist", folder))) {
      const source = path.join(root, path.relative(path.join(root, "dist"), file)).replace(/(\.d\.ts|\.js)$/, ".ts");
      if (!fs.existsSync(source)) fs.rmSync(file);
    }
  }
}

function filesUnder(folder) {
  return entriesUnder(folder)
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

/** A folder's time changes when a file in it is removed. */
function foldersUnder(folder) {
  const inner = entriesUnder(folder).filter((entry) => entry.isDirectory());
  return [folder, ...inner.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))];
}

function entriesUnder(folder) {
  return fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
}

function timeOf(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = path.resolve(path.dirname(process.argv[1]), "../..");
  // Files are written in place: whoever may run beside a process that loads them builds only what is out of date.
  if (!process.argv.includes("--if-needed") || !isBuilt(root)) build(root);
}

import { lstat, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { ServeError } from "../../core/errors";
import { IgnoreRules } from "./ignore-rules";

export type WorkdirEntry =
  /** `path` is relative to the workdir, with "/" between its parts. */
  { kind: "file"; path: string; executable: boolean; bytes: number } | { kind: "link"; path: string; target: string };

/**
 * What of a folder goes to the replicas, sorted by path. Left out: what the .gitignore files inside it say (files above
 * it do not count, so that the same folder gives the same content everywhere), `.git`, empty folders, sockets and pipes.
 */
export async function walkWorkdir(folder: string): Promise<WorkdirEntry[]> {
  await assertFolder(folder);
  const entries: WorkdirEntry[] = [];
  await walk({ folder, root: await realpath(folder), entries }, "", IgnoreRules.none());
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface Walk {
  folder: string;
  root: string;
  entries: WorkdirEntry[];
}

async function walk(on: Walk, relative: string, inherited: IgnoreRules): Promise<void> {
  const children = await readdir(join(on.folder, relative), { withFileTypes: true });
  const hasRules = children.some((child) => child.name === ".gitignore" && child.isFile());
  const rules = hasRules
    ? inherited.with(relative, await readFile(join(on.folder, relative, ".gitignore"), "utf8"))
    : inherited;
  for (const child of children) {
    const path = relative === "" ? child.name : `${relative}/${child.name}`;
    if (child.name === ".git" || rules.ignores(path, child.isDirectory() ? "folder" : "file")) continue;
    if (child.isDirectory()) await walk(on, path, rules);
    else if (child.isSymbolicLink()) on.entries.push(await linkEntry(on, path));
    else if (child.isFile()) on.entries.push(await fileEntry(on, path));
  }
}

async function fileEntry(on: Walk, path: string): Promise<WorkdirEntry> {
  const { mode, size } = await lstat(join(on.folder, path));
  return { kind: "file", path, executable: isExecutable(mode), bytes: size };
}

/** As in git, only the owner's bit counts: the others differ with the umask of whoever checked out. */
export function isExecutable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}

async function linkEntry(on: Walk, path: string): Promise<WorkdirEntry> {
  const target = await readlink(join(on.folder, path));
  const lexical = posix.normalize(posix.join(posix.dirname(path), target));
  const leaves = posix.isAbsolute(target) || lexical === ".." || lexical.startsWith("../");
  // A target that passes through another link may leave the folder although its text does not.
  const real = await realpath(join(on.folder, path)).catch(() => null);
  if (leaves || (real !== null && real !== on.root && !real.startsWith(on.root + sep))) {
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      reasons: [
        `template.workdir: the symbolic link ${path} points to ${target}, outside of ${on.folder}, and replicas have only ` +
          `what is inside: copy the file there, or list the link in .gitignore.`,
      ],
    });
  }
  return { kind: "link", path, target };
}

async function assertFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) {
    const why =
      found.code === "ENOENT" || found.code === "ENOTDIR" ? "does not exist" : `cannot be read (${found.code})`;
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      reasons: [`template.workdir: the folder ${folder} ${why}: create it, or correct the path.`],
      cause: found,
    });
  }
  if (!found.isDirectory()) {
    throw new ServeError({
      code: "InvalidInput",
      scope: "input",
      reasons: [`template.workdir: ${folder} is a file, not a folder: name the folder that holds it.`],
    });
  }
}

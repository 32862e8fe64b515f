import ignore, { type Ignore } from "ignore";

/**
 * The rules of the .gitignore files from the workdir's root down to one folder. Rules of a deeper file come later and the
 * last match wins, as in git; so all are rewritten relative to the root and kept in one list.
 */
export class IgnoreRules {
  static none(): IgnoreRules {
    return new IgnoreRules(ignore());
  }

  private constructor(private readonly rules: Ignore) {}

  /** These rules and those of the .gitignore file in `folder` (relative to the root, "" for the root itself). */
  with(folder: string, gitignore: string): IgnoreRules {
    const lines = gitignore.replace(/^\uFEFF/, "").split(/\r?\n/);
    return new IgnoreRules(
      ignore()
        .add(this.rules)
        .add(lines.map((line) => rootedAt(folder, line))),
    );
  }

  /** `path` is relative to the root, with "/" between its parts. Parents must have been asked before. */
  ignores(path: string, kind: "folder" | "file"): boolean {
    return this.rules.ignores(kind === "folder" ? `${path}/` : path);
  }
}

/** A pattern with a slash before its end is anchored at its file's folder; any other holds at every depth below it. */
function rootedAt(folder: string, line: string): string {
  if (folder === "" || line.trim() === "" || line.startsWith("#")) return line;
  const negated = line.startsWith("!");
  const pattern = negated ? line.slice(1) : line;
  const anchored = pattern.replace(/\s+$/, "").replace(/\/$/, "").includes("/");
  const rooted = anchored ? pattern.replace(/^\//, "") : `**/${pattern}`;
  return `${negated ? "!" : ""}/${folder.replace(/[\\*?[\]!# ]/g, "\\$&")}/${rooted}`;
}

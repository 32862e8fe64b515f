import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { linkSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashTar, hashWorkdir, packWorkdir, unpackTar } from "../../provider/host/workdir";
import { walkWorkdir } from "../../provider/host/workdir/walk";
import { makeFolder, removeFolders } from "../store/folders";

function put(folder: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

const sentence = (pattern: RegExp) => (error: Error) => {
  assert.match(error.message, pattern);
  assert.equal((error as { code?: string }).code, "InvalidInput");
  return true;
};

describe("the workdir", () => {
  afterEach(removeFolders);

  const sample = { "server.py": "print(1)\n", "lib/a.py": "a", "lib/deep/b.py": "b", "@odd name #1": "x" };

  it("has the same hash in another place and after its times changed", async () => {
    const [one, two] = [makeFolder(), makeFolder()];
    put(one, sample);
    put(two, Object.fromEntries(Object.entries(sample).reverse()));
    utimesSync(join(two, "server.py"), 1, 1);
    mkdirSync(join(two, "empty"));
    assert.deepEqual(await hashWorkdir(one), await hashWorkdir(two));
    assert.deepEqual(await hashWorkdir(one), { ...(await hashWorkdir(one)), files: 4, bytes: 12 });
  });

  it("has another hash when a content, a name, an executable bit or a link's target changed", async () => {
    const folder = makeFolder();
    put(folder, sample);
    symlinkSync("server.py", join(folder, "link"));
    const seen = [(await hashWorkdir(folder)).hash];
    const change = async (what: () => void) => {
      what();
      seen.push((await hashWorkdir(folder)).hash);
    };
    await change(() => writeFileSync(join(folder, "server.py"), "print(2)\n"));
    await change(() => chmodSync(join(folder, "server.py"), 0o755));
    await change(() => execFileSync("mv", [join(folder, "lib/a.py"), join(folder, "lib/c.py")]));
    await change(() => execFileSync("ln", ["-sfn", "lib/c.py", join(folder, "link")]));
    assert.equal(new Set(seen).size, seen.length);
  });

  it("packs into a tar with the same hash, and unpacks with contents, modes and links", async () => {
    const folder = makeFolder();
    put(folder, { ...sample, [`${"long/".repeat(60)}name`]: "far", empty: "" });
    chmodSync(join(folder, "server.py"), 0o755);
    symlinkSync("lib/a.py", join(folder, "link"));
    linkSync(join(folder, "server.py"), join(folder, "twin.py"));
    const { hash } = await hashWorkdir(folder);
    assert.equal(await hashTar(packWorkdir(folder)), hash);
    const copy = join(makeFolder(), "copy");
    await unpackTar(packWorkdir(folder), copy);
    assert.equal((await hashWorkdir(copy)).hash, hash);
    assert.equal(statSync(join(copy, "twin.py")).nlink, 1);
    assert.equal(readFileSync(join(copy, "link"), "utf8"), "a");
  });

  it("may be empty", async () => {
    const folder = makeFolder();
    const { hash } = await hashWorkdir(folder);
    assert.equal(await hashTar(packWorkdir(folder)), hash);
    await unpackTar(packWorkdir(folder), join(folder, "copy"));
    assert.ok(existsSync(join(folder, "copy")));
  });

  it("leaves out exactly what git leaves out", async () => {
    const folder = makeFolder();
    put(folder, {
      ".gitignore": "*.log\n!keep.log\n/build\nsecret/\n# comment\n\\#odd\nfoo/\ndocs/*.txt\n**/cache/\n",
      "a.log": "",
      "keep.log": "",
      "build/x": "",
      "sub/build/x": "",
      "sub/a.log": "",
      "sub/secret/x": "",
      "#odd": "",
      "docs/a.txt": "",
      "docs/deep/a.txt": "",
      "deep/er/cache/x": "",
      "sub [1]/.gitignore": "!a.log\n/only\ninner/x\nany\n!foo/\n*.tmp\n",
      "sub [1]/a.log": "",
      "sub [1]/only": "",
      "sub [1]/down/only": "",
      "sub [1]/inner/x": "",
      "sub [1]/down/inner/x": "",
      "sub [1]/down/any": "",
      "sub [1]/foo/x": "",
      "sub [1]/foo/x.tmp": "",
      "sub [1]/.git": "",
      "sub [1]/down/.gitignore": "!*.tmp\n",
      "sub [1]/down/y.tmp": "",
    });
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "core.excludesFile=/dev/null", ...args], { cwd: folder, encoding: "utf8" });
    git("init", "-q", ".");
    const expected = git("ls-files", "-z", "--others", "--exclude-standard").split("\0").filter(Boolean).sort();
    assert.deepEqual(
      (await walkWorkdir(folder)).map(({ path }) => path),
      expected.filter((path) => !path.endsWith("/.git")),
    );
  });

  it("that is missing, or a file, is refused by the field's name", async () => {
    const folder = makeFolder();
    put(folder, { file: "" });
    await assert.rejects(
      hashWorkdir(join(folder, "gone")),
      sentence(/^template\.workdir: the folder .*gone does not exist/),
    );
    await assert.rejects(hashWorkdir(join(folder, "file")), sentence(/^template\.workdir: .* is a file, not a folder/));
    await assert.rejects(hashTar(packWorkdir(join(folder, "gone"))), /does not exist/);
  });

  for (const [name, target] of [
    ["absolute", "/etc/hostname"],
    ["upward", "../x"],
    ["upward through another link", "self/../x"],
  ] as const) {
    it(`with a link that leaves it (${name}) is refused by the link's name`, async () => {
      const parent = makeFolder();
      put(parent, { x: "", "work/x": "" });
      symlinkSync(".", join(parent, "work/self"));
      symlinkSync(target, join(parent, "work/bad"));
      await assert.rejects(
        hashWorkdir(join(parent, "work")),
        sentence(/template\.workdir: the symbolic link bad points to/),
      );
    });
  }

  it("ignores sockets and pipes, which would hang whoever reads them", async () => {
    const folder = makeFolder();
    put(folder, { a: "" });
    execFileSync("mkfifo", [join(folder, "pipe")]);
    assert.equal((await hashWorkdir(folder)).files, 1);
  });
});

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { allowedEnvironment, spawnDetached } from "../../provider/host/child";
import { computerId } from "../../provider/host/computer";
import { createFile, replaceFile } from "../../provider/host/durable-file";
import { controlSocket, runtimeFolder, serviceFolder, stateHome } from "../../provider/host/paths";
import { isAlive, ownIdentity, startTimeOf } from "../../provider/host/process-identity";
import { namesIn, readSmallFile } from "../../provider/host/small-files";
import { Unchanged } from "../../provider/host/unchanged";
import { until } from "../store/children";
import { makeFolder, removeFolders } from "../store/folders";

describe("this computer", () => {
  const before = { ...process.env };

  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    removeFolders();
  });

  describe("paths", () => {
    it("are under XDG_STATE_HOME where that is an absolute path", () => {
      process.env.XDG_STATE_HOME = "/somewhere";
      assert.equal(stateHome(), "/somewhere/pulumi-serve");
      process.env.XDG_STATE_HOME = "relative";
      assert.match(stateHome(), /\.local\/state\/pulumi-serve$/);
    });

    it("differ for identities that look alike, and are single names whatever an identity holds", () => {
      const folders = ["p/s/chat", "p-s-chat", "../../etc", ".", "a".repeat(400), "a".repeat(401)].map(serviceFolder);
      assert.equal(new Set(folders).size, folders.length);
      for (const folder of folders) {
        assert.equal(dirname(folder), join(stateHome(), "services"));
        assert.ok(/^[A-Za-z0-9-]/.test(basename(folder)) && basename(folder).length < 100, folder);
      }
    });

    it("of control sockets are short and in a folder of this user alone", () => {
      process.env.TMPDIR = makeFolder();
      const socket = controlSocket(`/a/${"long/".repeat(60)}`);
      assert.ok(basename(socket).length < 30);
      assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
      assert.notEqual(socket, controlSocket("/b"));
    });

    it("of control sockets are not put into what somebody else prepared", () => {
      process.env.TMPDIR = makeFolder();
      const elsewhere = makeFolder();
      symlinkSync(elsewhere, runtimeName());
      assert.throws(() => controlSocket("/a"), /is not a folder of this user/);
    });

    const runtimeName = () => {
      const folder = runtimeFolder();
      execFileSync("rmdir", [folder]);
      return folder;
    };
  });

  it("has one id, the same for each of its processes", () => {
    process.env.XDG_STATE_HOME = makeFolder();
    assert.match(computerId(), /^[0-9a-f]{32}$/);
    assert.equal(computerId(), computerId());
  });

  describe("processes", () => {
    it("are told from later ones with the same pid", () => {
      assert.ok(isAlive(ownIdentity()));
      assert.equal(isAlive({ ...ownIdentity(), startTime: "1" }), false);
      assert.equal(startTimeOf(0), null);
      assert.equal(startTimeOf(2 ** 30), null);
    });

    it("that ended are dead although nobody has waited for them yet", async () => {
      const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
      try {
        const [line] = (await new Promise<Buffer>((resolve) => parent.stdout.once("data", resolve)))
          .toString()
          .split("\n");
        await until("the zombie counts as dead", () => startTimeOf(Number(line)) === null);
      } finally {
        parent.kill("SIGKILL");
      }
    });

    it("started detached have their own session, a log file, and none of our secrets", async () => {
      process.env.PULUMI_CONFIG_PASSPHRASE = "p";
      process.env.AWS_SECRET_ACCESS_KEY = "k";
      process.env.LC_TIME = "C";
      const logFile = join(makeFolder(), "logs", "child.log");
      const script =
        "env; ls -l /proc/self/fd 2>/dev/null; pwd; echo session $(cut -d' ' -f6 /proc/$$/stat) $$; echo done";
      spawnDetached({ command: "/bin/sh", args: ["-c", script], logFile });
      const log = await until("it is done", () => {
        const text = readFileSync(logFile, "utf8");
        return text.endsWith("done\n") && text;
      });
      assert.ok(!/PASSPHRASE|SECRET/.test(log));
      assert.match(log, /^LC_TIME=C$/m);
      assert.match(log, /^\/$/m);
      const [, session, pid] = /^session (\d+) (\d+)$/m.exec(log)!;
      assert.equal(session, pid);
      assert.equal(statSync(logFile).mode & 0o777, 0o600);
    });

    it("get an environment by an allow-list", () => {
      for (const name of ["PULUMI_CONFIG_PASSPHRASE", "LC_", "XXDG_X", "NODE_OPTIONS", "GITHUB_TOKEN"])
        process.env[name] = "x";
      for (const name of ["XDG_STATE_HOME", "SSL_CERT_FILE", "TZ"]) process.env[name] = "y";
      const allowed = allowedEnvironment();
      assert.deepEqual(
        Object.keys(allowed).filter((name) => allowed[name] === "x"),
        [],
      );
      assert.equal(Object.values(allowed).filter((value) => value === "y").length, 3);
    });

    it("that cannot be started are an error with the command's name", () => {
      const logFile = join(makeFolder(), "log");
      assert.throws(() => spawnDetached({ command: "/no/such", args: [], logFile }), /\/no\/such could not be started/);
    });
  });

  describe("files that are looked at all the time", () => {
    const minuteAgo = new Date(Date.now() - 60_000);
    let understood: (string | null)[];
    let files: Unchanged<string | null>;
    let file: string;

    beforeEach(() => {
      understood = [];
      files = new Unchanged((path) => {
        const text = readSmallFile(path)?.toString() ?? null;
        understood.push(text);
        return text;
      });
      file = join(makeFolder(), "file");
    });

    const write = (text: string, at?: Date) => {
      writeFileSync(file, text);
      if (at !== undefined) utimesSync(file, at, at);
    };

    it("are read once as long as they stay the same, and again when they are replaced, removed or made anew", () => {
      write("one", minuteAgo);
      assert.deepEqual([files.read(file), files.read(file)], ["one", "one"]);
      assert.deepEqual(understood, ["one"]);
      write("two", new Date(minuteAgo.getTime() + 5));
      assert.equal(files.read(file), "two");
      rmSync(file);
      assert.equal(files.read(file), null);
      write("six", minuteAgo);
      assert.equal(files.read(file), "six");
    });

    it("are read each time while they are so young that another write might not show", () => {
      const now = new Date();
      write("one", now);
      assert.equal(files.read(file), "one");
      write("two", now);
      assert.equal(files.read(file), "two");
    });

    it("may be folders, whose names are read again when one comes or goes", () => {
      const folder = dirname(file);
      let looks = 0;
      const names = new Unchanged((path) => {
        looks += 1;
        return namesIn(path);
      });
      utimesSync(folder, minuteAgo, minuteAgo);
      assert.deepEqual([names.read(folder), names.read(folder)], [[], []]);
      assert.equal(looks, 1);
      write("one");
      assert.deepEqual(names.read(folder), ["file"]);
      rmSync(file);
      assert.deepEqual(names.read(folder), []);
    });

    it("are not there where a folder of their path is a file", () => {
      write("");
      assert.equal(files.read(join(file, "below")), null);
    });
  });

  describe("durable files", () => {
    it("are made by exactly one of many, and leave nothing temporary behind", async () => {
      const file = join(makeFolder(), "file");
      const made = await Promise.all(Array.from({ length: 20 }, (_, n) => createFile(file, String(n))));
      assert.equal(made.filter(Boolean).length, 1);
      assert.equal(readFileSync(file, "utf8"), String(made.indexOf(true)));
      await replaceFile(file, "new");
      assert.equal(readFileSync(file, "utf8"), "new");
      assert.deepEqual(readdirSync(dirname(file)), ["file"]);
      const folder = join(dirname(file), "folder");
      mkdirSync(folder);
      await assert.rejects(replaceFile(folder, "x"));
      assert.deepEqual(readdirSync(dirname(file)).sort(), ["file", "folder"]);
    });
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GateFacts } from "../../provider/core/gate/external";
import type { GateAnswer } from "../../provider/core/observed";
import { createGateRunner } from "../../provider/gate-runner";
import { startTimeOf } from "../../provider/host/process-identity";
import type { GateRunner } from "../../provider/ports/gate-runner";
import { until } from "../controller/until";
import { kill, killChildren, startTypeScript } from "../store/children";

const FACTS: GateFacts = {
  service: "project/stack/chat",
  endpoint: { host: "127.0.0.1", port: 8080 },
  rollout: 3,
  percent: 25,
  version: 2,
  revisions: { chat: { from: "a", to: "b" } },
};

describe("the gate runner", () => {
  let runner: GateRunner;
  let folder: string;
  beforeEach(() => {
    runner = createGateRunner();
    folder = mkdtempSync(join(tmpdir(), "gate-"));
  });
  afterEach(() => {
    runner.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe("of commands", () => {
    const run = (command: string, timeoutSeconds = 20, env = {}): Promise<GateAnswer> =>
      runner.run({ kind: "command", run: command, env }, timeoutSeconds, FACTS);
    const isGone = (pid: number): boolean => startTimeOf(pid) === null;
    /** A pid that a command wrote into a file. */
    const pidIn = (file: string): Promise<number> =>
      until(`${file} holds a pid`, () => existsSync(file) && Number(readFileSync(file, "utf8")));

    it("lets exit code 0 pass, and says what it said", async () => {
      assert.deepEqual(await run("exit 0"), { outcome: "passed", reason: "exit code 0" });
      assert.deepEqual(await run("echo all is well"), { outcome: "passed", reason: "exit code 0: all is well" });
    });

    it("fails by every other exit code, with the last lines of both outputs", async () => {
      const answer = await run("echo one; echo two; echo three >&2; echo four >&2; sleep 0.05; exit 3");
      assert.equal(answer.outcome, "failed");
      assert.match(answer.reason, /^exit code 3: .*three \/ four$/);
      assert.deepEqual(await run("no-such-program-anywhere 2>/dev/null"), {
        outcome: "failed",
        reason: "exit code 127",
      });
    });

    it("fails by a signal", async () => {
      assert.deepEqual(await run("kill -TERM $$"), { outcome: "failed", reason: "it was ended by SIGTERM" });
    });

    it("keeps the reason short and free of control characters, however much was said", async () => {
      const { reason } = await run(`yes 0123456789 | head -c 300000; printf '\\033[2J%.0sx' 1; exit 1`);
      assert.ok(reason.length < 700, reason);
      assert.ok(!reason.includes("\u001b"));
    });

    it("tells the facts on stdin and in variables, and nothing of our environment that is not allowed", async () => {
      const file = join(folder, "said");
      process.env["GATE_TEST_SECRET"] = "hunter2";
      try {
        await run(`cat >${file}; env >>${file}; pwd >>${file}`);
      } finally {
        delete process.env["GATE_TEST_SECRET"];
      }
      const [, json, rest] = /^(\{.*\})([^]*)$/.exec(readFileSync(file, "utf8"))!;
      assert.deepEqual(JSON.parse(json!), FACTS);
      for (const line of [
        "PULUMI_SERVE_SERVICE=project/stack/chat",
        "PULUMI_SERVE_ENDPOINT=127.0.0.1:8080",
        "PULUMI_SERVE_ROLLOUT=3",
        "PULUMI_SERVE_PERCENT=25",
        "PULUMI_SERVE_VERSION=2",
      ]) {
        assert.ok(rest!.includes(line), line);
      }
      assert.ok(!rest!.includes("hunter2"));
      assert.ok(rest!.endsWith("\n/\n"));
    });

    it("gives a command its environment, and says nothing of what is in it", async () => {
      const { outcome, reason } = await run(`test -n "$TOKEN" && echo asked with $TOKEN; exit 1`, 20, {
        TOKEN: "hunter2",
      });
      assert.deepEqual([outcome, reason], ["failed", "exit code 1: asked with ..."]);
    });

    it("ends a command with all its children when its time is over, which fails", async () => {
      const child = join(folder, "child");
      const answer = await run(`echo began; sh -c 'echo $$ >${child}; exec sleep 60' & wait`, 0.5);
      assert.deepEqual(answer, { outcome: "failed", reason: "it took longer than its 0.5 s: began" });
      const pid = await pidIn(child);
      await until("its child is gone", () => isGone(pid));
    });

    it("does not wait for what a command left behind, and ends it", async () => {
      const child = join(folder, "child");
      const answer = await run(`sleep 60 & echo $! >${child}; echo done`);
      assert.deepEqual(answer, { outcome: "passed", reason: "exit code 0: done" });
      const pid = await pidIn(child);
      await until("what it left is gone", () => isGone(pid));
    });

    it("ends what runs when the agent ends, which is no verdict, and runs nothing after it", async () => {
      const child = join(folder, "child");
      const running = run(`echo $$ >${child}; exec sleep 60`);
      const pid = await pidIn(child);
      runner.close();
      assert.equal((await running).outcome, "unreachable");
      await until("it is gone", () => isGone(pid));
      assert.equal((await run("exit 0")).outcome, "unreachable");
    });

    it("leaves nothing behind when the agent is killed, past the command's own timeout", async () => {
      const child = join(folder, "child");
      const gate = JSON.stringify({ kind: "command", run: `echo $$ >${child}; exec sleep 60`, env: {} });
      const agent = startTypeScript(join(__dirname, "runner.ts"), [gate, "0.5", JSON.stringify(FACTS)]);
      try {
        const pid = await pidIn(child);
        await kill(agent);
        await until("its command is gone", () => isGone(pid));
      } finally {
        await killChildren();
      }
    });

    it("calls a command that cannot even be started unreachable", async () => {
      assert.equal((await run(`: ${"x".repeat(4_000_000)}`)).outcome, "unreachable");
    });
  });

  describe("of webhooks", () => {
    let servers: (Server | TcpServer)[];
    beforeEach(() => (servers = []));
    afterEach(async () => {
      for (const server of servers) {
        if ("closeAllConnections" in server) server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });
    const listen = async (server: Server | TcpServer): Promise<number> => {
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return (server.address() as AddressInfo).port;
    };
    const askAt = (port: number, timeoutSeconds = 20, headers = {}): Promise<GateAnswer> =>
      runner.run(
        { kind: "webhook", url: `http://127.0.0.1:${port}/hook?token=hunter2`, headers },
        timeoutSeconds,
        FACTS,
      );
    const askOf = async (answer: RequestListener, timeoutSeconds?: number): Promise<GateAnswer> =>
      askAt(await listen(createServer(answer)), timeoutSeconds);

    it("POSTs the facts as JSON, and 2xx passes", async () => {
      let seen = "";
      const answer = await askOf((req, res) => {
        seen = `${req.method} ${req.url} ${req.headers["content-type"]} `;
        req.on("data", (chunk) => (seen += String(chunk)));
        req.on("end", () => res.writeHead(204).end());
      });
      assert.deepEqual(answer, { outcome: "passed", reason: "it answered 204" });
      assert.equal(seen, `POST /hook?token=hunter2 application/json ${JSON.stringify(FACTS)}`);
    });

    for (const status of [302, 400, 429, 500, 503]) {
      it(`fails by ${status}, with the words of the answer`, async () => {
        const answer = await askOf((_req, res) => {
          res.writeHead(status, { location: "http://127.0.0.1:1/" }).end("not\nyet\n");
        });
        assert.deepEqual(answer, { outcome: "failed", reason: `it answered ${status}: not / yet` });
      });
    }

    it("sends its headers, and says nothing of them or of its address that the answer repeats", async () => {
      const port = await listen(
        createServer((req, res) => res.writeHead(403).end(`${req.url} and ${req.headers.authorization} are wrong`)),
      );
      const answer = await askAt(port, 20, { authorization: "Bearer swordfish" });
      assert.deepEqual(answer, { outcome: "failed", reason: "it answered 403: ... and ... are wrong" });
    });

    it("has its answer with the status, although the body has no end", async () => {
      const stalls = await askOf((_req, res) => void res.writeHead(500).write("why\n"), 0.3);
      assert.deepEqual(stalls, { outcome: "failed", reason: "it answered 500: why" });
      const pours = await askOf((_req, res) => {
        const pour = setInterval(() => res.write("x".repeat(10_000)), 1);
        res.on("close", () => clearInterval(pour));
      });
      assert.equal(pours.outcome, "passed");
      assert.ok(pours.reason.length < 300);
    });

    it("is unreachable where nobody listens, and does not tell the URL's token", async () => {
      const server = createTcpServer();
      const port = await listen(server);
      await new Promise((resolve) => server.close(resolve));
      const answer = await askAt(port);
      assert.equal(answer.outcome, "unreachable");
      assert.match(answer.reason, /^it cannot be reached: .*ECONNREFUSED/);
      assert.ok(!answer.reason.includes("hunter2"));
    });

    it("is unreachable when it does not answer in time", async () => {
      assert.deepEqual(await askOf(() => undefined, 0.2), {
        outcome: "unreachable",
        reason: "it did not answer within 0.2 s",
      });
    });

    it("is unreachable when it closes the connection or does not speak HTTP", async () => {
      for (const answer of ["", "hello\r\n\r\n"]) {
        const port = await listen(
          createTcpServer((socket) => {
            socket.on("error", () => undefined).once("data", () => socket.end(answer));
          }),
        );
        assert.equal((await askAt(port)).outcome, "unreachable", answer);
      }
    });

    it("is unreachable when its url is none or of another kind", async () => {
      for (const url of ["nowhere?token=hunter2", "ftp://127.0.0.1/hunter2"]) {
        const answer = await runner.run({ kind: "webhook", url, headers: {} }, 1, FACTS);
        assert.equal(answer.outcome, "unreachable");
        assert.ok(!answer.reason.includes("hunter2"), answer.reason);
      }
    });

    it("is not waited for when the agent ends", async () => {
      let asked = false;
      const running = askOf(() => void (asked = true));
      await until("it was asked", () => asked);
      runner.close();
      assert.deepEqual(await running, {
        outcome: "unreachable",
        reason: "the agent ended before there was an answer",
      });
    });
  });
});

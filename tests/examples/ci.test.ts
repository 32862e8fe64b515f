import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { startCommand } from "../e2e/harness/command";
import { freePort } from "../e2e/harness/free-port";
import { InstalledProject } from "../package/installed-project";
import { Workflow } from "./workflow";

const quickstart = path.resolve(__dirname, "../../examples/quickstart");
const read = (name: string): string => fs.readFileSync(path.join(quickstart, name), "utf8");

describe("the example CI workflow, its own commands run one by one", function () {
  this.timeout(300_000);
  let project: InstalledProject;
  let workflow: Workflow;
  let url: string;

  before(async () => {
    const files = ["index.ts", "tsconfig.json", "app/server.js", "ci/deploy.yml", "ci/plan-comment.mjs"];
    project = await InstalledProject.create(Object.fromEntries(files.map((name) => [name, read(name)])));
    workflow = new Workflow(path.join(project.project, "ci/deploy.yml"), {
      "vars.PULUMI_BACKEND_URL": project.env["PULUMI_BACKEND_URL"] ?? "",
      "secrets.PULUMI_CONFIG_PASSPHRASE": project.env["PULUMI_CONFIG_PASSPHRASE"] ?? "",
      "github.token": "a-token",
      "github.event.pull_request.number": "7",
    });
    // Stands for GitHub's own command: keeps what it would have posted, and where.
    const gh = path.join(project.folder, "bin", "gh");
    fs.mkdirSync(path.dirname(gh));
    fs.writeFileSync(
      gh,
      `#!/bin/sh\necho "$1 $2 $3" > "${project.folder}/posted"\ncat "$5" >> "${project.folder}/posted"\n`,
    );
    fs.chmodSync(gh, 0o755);

    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await project.must("pulumi", "stack", "init", "prod", "--non-interactive");
    for (const [key, value] of Object.entries({ port, replicas: 2, maxSurgePercent: 50, streamSeconds: 0.5 }))
      await project.must("pulumi", "config", "set", `pulumi-serve:${key}`, String(value));
  });
  after(() => project?.dispose());

  const installedFor = new Set<string>();

  /** The exit code of the job, which ends with its first failing step. Installing once for each job proves that command. */
  async function job(name: string): Promise<{ code: number | null; output: string }> {
    const [shell = "", ...args] = workflow.shell;
    let output = "";
    for (const step of workflow.commands(name)) {
      if (step.name === "Install" && installedFor.has(name)) continue;
      const env = { ...project.env, ...step.env };
      env["PATH"] = `${path.join(project.folder, "bin")}${path.delimiter}${env["PATH"]}`;
      const result = await startCommand(shell, [...args, step.run], { cwd: project.project, env, seconds: 240 }).done;
      output += `== ${step.name}\n${result.output}`;
      if (result.code !== 0) return { code: result.code, output };
    }
    installedFor.add(name);
    return { code: 0, output };
  }

  async function servedModel(): Promise<string> {
    return ((await (await fetch(`${url}/generate`)).json()) as { model: string }).model;
  }

  it("deploys the service on the first merge", async () => {
    const { code, output } = await job("up");
    assert.equal(code, 0, output);
    assert.equal(await servedModel(), "tiny-1");
  });

  it("posts the plan on a pull request and touches nothing", async () => {
    await project.must("pulumi", "config", "set", "pulumi-serve:model", "tiny-2");
    const { code, output } = await job("preview");
    assert.equal(code, 0, output);
    const posted = fs.readFileSync(path.join(project.folder, "posted"), "utf8");
    assert.match(posted, /^pr comment 7\n### What merging this does\n/);
    assert.match(posted, /- update ReplicaPool `chat-model`/);
    assert.match(posted, /- update Rollout `chat`/);
    assert.match(posted, /canary/i);
    assert.equal(await servedModel(), "tiny-1");
  });

  it("rolls the service over on the merge", async () => {
    const { code, output } = await job("up");
    assert.equal(code, 0, output);
    assert.equal(await servedModel(), "tiny-2");
  });

  it("says on a pull request without effect that nothing changes", async () => {
    const { code, output } = await job("preview");
    assert.equal(code, 0, output);
    assert.match(fs.readFileSync(path.join(project.folder, "posted"), "utf8"), /^pr comment 7\n### Nothing changes\n/);
  });

  it("fails the merge of a server that does not start, with the reason, while the old one goes on serving", async () => {
    project.write("app/server.js", 'throw new Error("no model here");\n');
    const { code, output } = await job("up");
    assert.notEqual(code, 0, output);
    assert.match(output, /chat-model/);
    assert.equal(await servedModel(), "tiny-2");
  });
});

import { writeFileSync } from "node:fs";
import { endRunningCommands } from "../e2e/harness/command";
import { Workspace } from "../e2e/harness/workspace";
import { Load } from "../load/load";
import { Demo } from "./demo";
import { demoOptions } from "./options";
import { broken, table } from "./result";
import { Terminal } from "./terminal";

const options = demoOptions(process.argv.slice(2));
const terminal = new Terminal();

async function main(): Promise<number> {
  terminal.title("A Pulumi project of its own, in a temporary folder");
  const workspace = await Workspace.create();
  terminal.line(`a copy of examples/quickstart in ${workspace.folder}`);

  const cleanUp = async (): Promise<void> => {
    endRunningCommands();
    Load.killAll();
    await workspace.dispose();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      terminal.line(`${signal}: ending everything that was started`);
      void cleanUp().finally(() => process.exit(1));
    });
  }
  try {
    const run = await new Demo(workspace, options, terminal).run();
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(run.result, null, 2)}\n`);
    terminal.block(`\n${table(run)}`);
    const sentences = broken(run.result);
    for (const sentence of sentences) terminal.line(`NOT as promised: ${sentence}`);
    return sentences.length === 0 ? 0 : 1;
  } finally {
    await cleanUp();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    terminal.line(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);

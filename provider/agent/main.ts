import { ServeError, sentenceOf } from "../core/errors";
import { runAgent } from "./run";

/** The agent of one service as a process of its own: `main <serviceFolder>`. */
async function main(serviceFolder: string): Promise<number> {
  try {
    const ending = await runAgent(serviceFolder);
    return ending.kind === "storeGone" ? 1 : 0;
  } catch (error) {
    // There is an agent already, which is all that whoever started us wanted.
    if (error instanceof ServeError && error.code === "LeaseHeld") return 0;
    process.stderr.write(`${new Date().toISOString()} the agent could not start: ${sentenceOf(error)}\n`);
    return 1;
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("The agent is started with the folder of its service: main <serviceFolder>.\n");
  process.exit(2);
}
void main(folder).then((code) => process.exit(code));

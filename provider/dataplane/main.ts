import { sentenceOf } from "../core/errors";
import { controlSocket } from "../host/paths";
import { ControlSocket } from "./control";
import { EmbeddedEngine } from "./embedded/engine";
import { Persisted } from "./persisted";
import { Reviver } from "./revive";

/** Running requests get this long when the computer goes down. */
const TERMINATE_GRACE_SECONDS = 5;

/** The data plane of one service as a process of its own: `main <serviceFolder>`. */
async function main(folder: string): Promise<void> {
  const engine = new EmbeddedEngine();
  const persisted = new Persisted(folder);
  const reviver = new Reviver(folder, () => persisted.revive);
  const control = new ControlSocket(controlSocket(folder), {
    engine,
    persisted,
    reviver,
    onShutdown: () => {
      control.close();
      process.exit(0);
    },
  });
  // First the socket: whoever finds it taken must not touch the port of the one that serves.
  await control.listen();
  process.once("SIGTERM", () => {
    reviver.stop();
    void engine.shutdown(TERMINATE_GRACE_SECONDS).then(() => {
      control.close();
      process.exit(0);
    });
  });
  reviver.started();
  // Serve before anybody asks: after a crash each second without the agent would be a second of refused connections.
  if (persisted.routing !== null) await engine.apply(persisted.routing).catch(report);
}

function report(error: unknown): void {
  process.stderr.write(`${sentenceOf(error)}\n`);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  report("The load balancer is started with the folder of its service: main <serviceFolder>.");
  process.exit(2);
}
main(folder).catch((error: unknown) => {
  report(error);
  process.exit(1);
});

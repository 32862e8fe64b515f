import type { EngineKind } from "../core/spec/pool";
import { controlSocket } from "../host/paths";
import { ownIdentity } from "../host/process-identity";
import { ControlSocket } from "./control";
import { Engines } from "./engines";
import { logError } from "./log-error";
import { Persisted } from "./persisted";
import { Reviver } from "./revive";

/** Running requests get this long when the computer goes down. */
const TERMINATE_GRACE_SECONDS = 5;

/** The data plane of one service as a process of its own: `main <serviceFolder> <engine>`, which is for a
 * routing that names no engine. */
async function main(folder: string, kind: EngineKind): Promise<void> {
  const engine = new Engines(folder, kind);
  const persisted = new Persisted(folder);
  const end = (graceSeconds: number): void => {
    reviver.stop();
    void engine.shutdown(graceSeconds).then(() => {
      control.close();
      process.exit(0);
    });
  };
  const reviver = new Reviver(
    folder,
    () => persisted.revive,
    () => (control.peers > 0 ? reviver.started() : end(0)),
  );
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
  persisted.save({ process: ownIdentity() });
  process.once("SIGTERM", () => end(TERMINATE_GRACE_SECONDS));
  reviver.started();
  // Serve before anybody asks: after a crash each second without the agent would be a second of refused connections.
  if (persisted.routing !== null) await engine.apply(persisted.routing, persisted.keyPair).catch(logError);
}

const [folder, kind = "embedded"] = process.argv.slice(2);
if (folder === undefined || (kind !== "embedded" && kind !== "haproxy")) {
  logError("The load balancer is started with the folder of its service: main <serviceFolder> [embedded|haproxy].");
  process.exit(2);
}
main(folder, kind).catch((error: unknown) => {
  logError(error);
  process.exit(1);
});

import { connect } from "node:net";
import { engineAddress } from "./engine-address";

const EVERY_MS = 700;

let watching = false;

/**
 * Ends this process within two seconds of the engine's end. A killed CLI leaves the dynamic-provider process behind, and
 * nobody would hear what it still does; the agent finishes the work, and the next `pulumi up` follows it. Only an engine
 * that once answered can be gone.
 */
export function watchEngine(): void {
  const address = engineAddress();
  if (watching || address === null) return;
  watching = true;
  let seen = false;
  const look = () => {
    const socket = connect(address);
    socket.unref();
    socket.once("connect", () => {
      seen = true;
      socket.destroy();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (seen && error.code === "ECONNREFUSED") process.exit(1);
    });
  };
  look();
  setInterval(look, EVERY_MS).unref();
}

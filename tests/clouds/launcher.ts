/** Launches one replica, or restarts its program, in a process of its own. `launcher.ts <serviceFolder> <cloudFile> <uid> <request as JSON>`. */
import { openLocalCloud } from "../../provider/clouds/local";
import type { LaunchRequest, RestartRequest } from "../../provider/ports/cloud";

async function main(): Promise<void> {
  const [serviceFolder, cloudFile, uid, request] = process.argv.slice(2) as [string, string, string, string];
  const cloud = openLocalCloud({ serviceFolder, cloudFile, uid, service: "p/s/chat" });
  process.stdout.write("ready\n");
  // At the same moment as the others: on the next full half second.
  await new Promise((resolve) => setTimeout(resolve, 500 - (Date.now() % 500)));
  const asked = JSON.parse(request) as LaunchRequest | RestartRequest;
  await ("restarts" in asked ? cloud.restart(asked) : cloud.launch(asked));
  process.stdout.write("launched\n");
}

main().catch((error: Error) => process.stdout.write(`${error.message}\n`));

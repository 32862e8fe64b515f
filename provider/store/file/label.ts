import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ServeError } from "../../core/errors";
import { computerId } from "../../host/computer";
import { createFile } from "../../host/durable-file";
import { readSmallFile } from "../../host/small-files";
import { Unchanged } from "../../host/unchanged";
import { missing, writing } from "./unwritable";

const Label = z.object({ identity: z.string(), computer: z.string() });

/** What makes a folder a service's store: whose it is, and on which computer its processes run. */
export type Label = z.infer<typeof Label>;

/** Null: no store there. Throws StoreCorrupt when the label cannot be understood. */
export function readLabel(folder: string): Label | null {
  return labels.read(join(folder, "service.json"));
}

/** Every access to a store asks whose it is. */
const labels = new Unchanged((file): Label | null => {
  const bytes = readSmallFile(file);
  if (bytes === null) return null;
  try {
    return Label.parse(JSON.parse(bytes.toString()));
  } catch (cause) {
    throw new ServeError({
      code: "StoreCorrupt",
      scope: "store",
      reasons: [
        `${file} is damaged. It must read {"identity":"<project>/<stack>/<service>","computer":"${computerId()}"}: ` +
          `write that, or remove the folder when the service is gone.`,
      ],
      cause,
    });
  }
});

/**
 * Throws StoreMissing or StoreElsewhere. A store of another computer (a shared or copied home folder) must never look
 * empty or deleted: its processes run over there, and a second set would be started here.
 */
export function assertOurs(folder: string, identity: string): void {
  const label = readLabel(folder);
  if (label === null) throw missing(folder);
  if (label.computer !== computerId()) {
    throw new ServeError({
      code: "StoreElsewhere",
      scope: "store",
      reasons: [
        `The service ${identity} was deployed from another computer (${label.computer.slice(0, 8)}, this one is ` +
          `${computerId().slice(0, 8)}), where its processes run: use \`pulumi\` there, or, when that computer is gone, ` +
          `remove ${folder} and run \`pulumi up\` to deploy it here.`,
      ],
    });
  }
  if (label.identity !== identity) {
    throw new ServeError({
      code: "StoreCorrupt",
      scope: "store",
      reasons: [`${folder} belongs to ${label.identity}, not to ${identity}: rename one of the services.`],
    });
  }
}

/** Makes the folder and its label, each only when it is missing. */
export async function putLabel(folder: string, identity: string): Promise<void> {
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await createFile(join(folder, "service.json"), `${JSON.stringify({ identity, computer: computerId() })}\n`);
  });
  assertOurs(folder, identity);
  await chmod(folder, 0o700);
}

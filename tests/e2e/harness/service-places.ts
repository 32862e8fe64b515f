import { controlSocket, serviceFolder } from "../../../provider/host/paths";
import type { Store } from "../../../provider/ports/store";
import { openFileStore } from "../../../provider/store/file";
import type { Workspace } from "./workspace";

/** Where things of a service lie: the package asks its environment, which is not ours but the workspace's. */
export interface ServicePlaces {
  store: Store;
  folder: string;
  socket: string;
}

export function placesOf(workspace: Workspace, identity: string): ServicePlaces {
  const ours = process.env["XDG_STATE_HOME"];
  process.env["XDG_STATE_HOME"] = workspace.env["XDG_STATE_HOME"];
  try {
    const folder = serviceFolder(identity);
    return { store: openFileStore(identity, { warn: () => undefined }), folder, socket: controlSocket(folder) };
  } finally {
    if (ours === undefined) delete process.env["XDG_STATE_HOME"];
    else process.env["XDG_STATE_HOME"] = ours;
  }
}

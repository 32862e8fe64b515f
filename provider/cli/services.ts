import type { Command } from "commander";
import { ServeError } from "../core/errors";
import { ownerOf } from "../core/spec/identity";
import type { Store } from "../ports/store";
import { listServices, openFileStoreAt } from "../store/file";

export interface LocatedService {
  identity: string;
  folder: string;
}

/** Adds the option by which every command names its service. */
export function withService(command: Command): Command {
  return command.option("--service <name>", "name or identity (project/stack/name); default: the only one there is");
}

/** The service that is meant, with its store. Throws a sentence with a list when it is not clear which. */
export async function selectService(wanted: string | undefined): Promise<LocatedService & { store: Store }> {
  const all = await listServices();
  const found = wanted === undefined ? all : all.filter(({ identity }) => answersTo(identity, wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return { ...only, store: openFileStoreAt(only.folder) };
  throw new ServeError({ code: "InvalidInput", scope: "input", reasons: [whyNone(all, found, wanted)] });
}

function answersTo(identity: string, wanted: string): boolean {
  return identity === wanted || ownerOf(identity).name === wanted;
}

function whyNone(all: LocatedService[], found: LocatedService[], wanted: string | undefined): string {
  const names = (services: LocatedService[]) => services.map(({ identity }) => identity).join(", ");
  if (all.length === 0) return "No service runs on this computer for this user: `pulumi up` starts one.";
  if (found.length > 1) return `More than one service is meant; name one with --service: ${names(found)}.`;
  return `No service is called "${wanted}". There are: ${names(all)}.`;
}

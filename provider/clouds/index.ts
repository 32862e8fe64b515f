import type { Targets } from "../core/spec/pool";
import type { Cloud, Price } from "../ports/cloud";
import { openLocalCloud, pricesIn as pricesInFile, targetFolder, targetsThere } from "./local";
import { ManyTargets, used } from "./targets";

interface Place {
  serviceFolder: string;
  /** `<project>/<stack>/<service>`, for messages. */
  service: string;
  /** The intent's `uid`: the tag that everything of the service carries. */
  uid: string;
}

export interface TargetsOptions extends Place {
  targets: Targets;
  /** Gets a sentence when something is wrong with a target that stops nothing. */
  warn: (sentence: string) => void;
}

/** Everywhere that a service's replicas may run, as one cloud. */
export function openTargets({ targets, warn, ...place }: TargetsOptions): Cloud {
  return new ManyTargets(
    targets,
    ({ name, cloudFile }) => openLocalCloud({ ...placeIn(place, name), cloudFile, warn }),
    warn,
  );
}

/** Ends what runs in any target, without knowing which are declared. */
export async function purgeTargets(place: Place): Promise<void> {
  for (const name of targetsThere(place.serviceFolder)) await openLocalCloud(placeIn(place, name)).purge();
}

/** What VMs cost in all targets, for those who have no cloud open: a plan. */
export async function pricesIn({ target, additionalTargets = [] }: Targets): Promise<Price[]> {
  const all = [{ ...target, name: null }, ...additionalTargets];
  const prices = await Promise.all(all.map(async (one) => used(one, await pricesInFile(one.cloudFile))));
  return prices.flat();
}

/** Each has a tag of its own: an id that is ended in all of them must cost the one that it runs in no process. */
function placeIn({ serviceFolder, service, uid }: Place, target: string | null): Place {
  const tag = target === null ? uid : `${uid}/${target}`;
  return { serviceFolder: targetFolder(serviceFolder, target), service, uid: tag };
}

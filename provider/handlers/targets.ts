import { join, resolve } from "node:path";
import { readCloudFile } from "../clouds/local";
import { ServeError, sentenceOf } from "../core/errors";
import type { Targets } from "../core/spec/pool";
import type { TargetsInput } from "../core/spec/targets-input";
import { hasUnknown } from "../core/spec/unknown";
import { serviceFolder } from "../host/paths";

type LocalTargetInput = Pick<TargetsInput["target"], "cloudFile" | "markets">;

/** The targets as the intent holds them; cloud files are relative to the program's folder, where the handlers work. */
export function targetsOf(service: string, { target, additionalTargets = [] }: TargetsInput): Targets {
  const own = localTarget(target, join(serviceFolder(service), "cloud.json"));
  if (additionalTargets.length === 0) return { target: own };
  const others = additionalTargets.map((one) => ({
    ...localTarget(one, join(serviceFolder(service), `cloud-${one.name}.json`)),
    name: one.name,
  }));
  return { target: own, additionalTargets: others };
}

function localTarget({ cloudFile, markets }: LocalTargetInput, standard: string): Targets["target"] {
  const file = cloudFile === undefined ? standard : resolve(cloudFile);
  return { kind: "local", cloudFile: file, ...(markets !== undefined && { markets }) };
}

/** Which cloud file can play no cloud, and why; null: each can, or is not there yet, which is a cloud with the defaults. */
export async function whyNotClouds(
  service: string,
  input: TargetsInput,
): Promise<{ path: string[]; sentence: string } | null> {
  if (hasUnknown(input.target) || hasUnknown(input.additionalTargets)) return null;
  const { target, additionalTargets = [] } = targetsOf(service, input);
  const own = await whyNotCloud(target.cloudFile);
  if (own !== null) return { path: ["target", "cloudFile"], sentence: own };
  for (const [index, { cloudFile }] of additionalTargets.entries()) {
    const sentence = await whyNotCloud(cloudFile);
    if (sentence !== null) return { path: ["additionalTargets", String(index), "cloudFile"], sentence };
  }
  return null;
}

async function whyNotCloud(file: string): Promise<string | null> {
  try {
    await readCloudFile(file);
    return null;
  } catch (error) {
    return error instanceof ServeError ? error.message : `${file} cannot be read (${sentenceOf(error)}): name a file`;
  }
}

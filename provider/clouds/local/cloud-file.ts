import { readFile } from "node:fs/promises";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ServeError } from "../../core/errors";
import { replaceFile } from "../../host/durable-file";
import { isAlive, ownIdentity } from "../../host/process-identity";

const Offer = {
  /** VMs that fit, all of one service's counted; null: no limit. Taking capacity away ends nobody. */
  capacity: z.int().nonnegative().nullable().default(null),
  /** Of these, VMs of the spot market; null: as many as fit. Taking it away ends nobody: `notices` and `kill` do. */
  spotCapacity: z.int().nonnegative().nullable().default(null),
  /** Dollars per hour; null: not offered. */
  onDemandPrice: z.number().nonnegative().nullable().default(1),
  spotPrice: z.number().nonnegative().nullable().default(0.3),
};

const Zone = z.strictObject({
  name: z
    .string()
    .min(1)
    .refine((name) => !name.includes("/"), "a zone's name has no slash"),
  ...Offer,
  /**
   * What it has of machines with accelerators, by these: "A10G:1", "A10G:1+T4:2"; what the zone says itself is of machines
   * without, but for its capacity, which is of all. Absent: it has any machine, at one price.
   */
  shapes: z.record(z.string(), z.strictObject(Offer)).optional(),
});

const LaunchError = z.strictObject({
  /** Absent: in every zone. */
  zone: z.string().optional(),
  /** Absent: in both. */
  market: z.enum(["onDemand", "spot"]).optional(),
  code: z.enum(["NoCapacity", "QuotaExceeded", "LaunchFailed"]),
  /** Launches that still fail so; null: until the entry is removed. */
  times: z.int().positive().nullable().default(null),
});

const CloudFile = z.strictObject({
  zones: z
    .array(Zone)
    .min(1)
    .default(() => ["local-a", "local-b", "local-c"].map((name) => Zone.parse({ name }))),
  /** From launch until `setup` begins: what a VM takes to boot. */
  bootSeconds: z.number().nonnegative().max(3600).default(0),
  launchErrors: z.array(LaunchError).default([]),
  /**
   * Spot VMs that will be taken: when `at` (milliseconds since 1970) has come, the VM is killed. Null: it is only
   * recommended to be somewhere else, and nobody takes it.
   */
  notices: z.array(z.strictObject({ replicaId: z.string(), at: z.number().nullable() })).default([]),
});

/** The JSON file that plays the cloud. Every field may be left out. */
export type CloudFile = z.infer<typeof CloudFile>;
export type Zone = z.infer<typeof Zone>;
/** Of one shape of machine in a zone. */
export type Offer = Omit<Zone, "name" | "shapes">;
export type LaunchErrorCode = z.infer<typeof LaunchError>["code"];

/** A missing file is a cloud with the defaults. Throws InvalidInput that names the file and the field. */
export async function readCloudFile(file: string): Promise<CloudFile> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return CloudFile.parse({});
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`The cloud file ${file} is not JSON (${(cause as Error).message}): correct it.`, cause);
  }
  const parsed = CloudFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`The cloud file ${file} has an error at ${issue!.path.join(".") || "its top"}: ${issue!.message}.`);
}

/** Whose room it is: everybody's, or that of the spot market alone. */
export type Room = "capacity" | "spotCapacity";

/** Takes room away: `count` VMs fewer fit into the zone, or none at all. */
export function takeCapacity(
  file: string,
  zone: string,
  count: number | "all",
  room: Room = "capacity",
): Promise<CloudFile> {
  return updateZone(file, zone, room, (capacity) => {
    if (count === "all") return 0;
    if (capacity === null)
      throw invalid(`Zone ${zone} has no limit to take ${count} from: take "all", or give it a limit.`);
    return Math.max(0, capacity - count);
  });
}

/** Gives room: `count` VMs more fit, or as many as anybody wants. */
export function giveCapacity(
  file: string,
  zone: string,
  count: number | "unlimited",
  room: Room = "capacity",
): Promise<CloudFile> {
  return updateZone(file, zone, room, (capacity) => (count === "unlimited" ? null : (capacity ?? 0) + count));
}

/** The cloud's word that it takes this VM at that time; "atRisk": that it may; null: the word is taken back. */
export function giveNotice(file: string, replicaId: string, word: number | "atRisk" | null): Promise<CloudFile> {
  return updateCloudFile(file, (cloud) => {
    const others = cloud.notices.filter((notice) => notice.replicaId !== replicaId);
    if (word === null) return { ...cloud, notices: others };
    return { ...cloud, notices: [...others, { replicaId, at: word === "atRisk" ? null : word }] };
  });
}

/** Makes the next launches fail, `times` of them or (null) until the entry is taken out of the file. */
export function failLaunches(
  file: string,
  failure: { zone?: string; market?: "onDemand" | "spot"; code: LaunchErrorCode; times: number | null },
): Promise<CloudFile> {
  return updateCloudFile(file, (cloud) => {
    if (failure.zone !== undefined) zoneOf(cloud, file, failure.zone);
    return { ...cloud, launchErrors: [...cloud.launchErrors, failure] };
  });
}

/** Changes the file under a lock, so that no change of another process is lost, and checks what it becomes. */
export async function updateCloudFile(file: string, change: (cloud: CloudFile) => CloudFile): Promise<CloudFile> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return locked(`${file}.lock`, async () => {
    const changed = CloudFile.safeParse(change(await readCloudFile(file)));
    if (!changed.success) throw invalid(`The cloud file ${file} was not changed: ${changed.error.issues[0]!.message}.`);
    await replaceFile(file, `${JSON.stringify(changed.data, null, 2)}\n`);
    return changed.data;
  });
}

function updateZone(
  file: string,
  zone: string,
  room: Room,
  change: (capacity: number | null) => number | null,
): Promise<CloudFile> {
  return updateCloudFile(file, (cloud) => {
    const found = zoneOf(cloud, file, zone);
    const changed = { ...found, [room]: change(found[room]) };
    return { ...cloud, zones: cloud.zones.map((each) => (each === found ? changed : each)) };
  });
}

function zoneOf(cloud: CloudFile, file: string, name: string): CloudFile["zones"][number] {
  const found = cloud.zones.find((zone) => zone.name === name);
  const known = cloud.zones.map((zone) => zone.name).join(", ");
  if (found === undefined) throw invalid(`There is no zone ${name} in ${file}: it has ${known}.`);
  return found;
}

async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const handle = await open(lock, "wx", 0o600);
      await handle.writeFile(JSON.stringify(ownIdentity()));
      await handle.close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      await breakIfAbandoned(lock);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** The holder of the lock was killed, or is at work for a moment. */
async function breakIfAbandoned(lock: string): Promise<void> {
  await sleep(20);
  const holder = await readFile(lock, "utf8").catch(() => null);
  if (holder === null) return;
  try {
    if (isAlive(JSON.parse(holder) as { pid: number; startTime: string })) return;
  } catch {
    // Not written yet: the holder is between making the file and writing to it, unless it stays so.
    await sleep(200);
    if ((await readFile(lock, "utf8").catch(() => holder)) !== holder) return;
  }
  await rm(lock, { force: true });
}

function invalid(sentence: string, cause?: unknown): ServeError {
  return new ServeError({ code: "InvalidInput", scope: "input", reasons: [sentence], cause });
}

import { InvalidArgumentError, type Command } from "commander";
import {
  failLaunches,
  giveCapacity,
  giveNotice,
  killReplica,
  readCloudFile,
  takeCapacity,
  updateCloudFile,
  type CloudFile,
  type Offer,
  type LaunchErrorCode,
  type Room,
} from "../../clouds/local";
import { ServeError } from "../../core/errors";
import { targetOfZone } from "../../core/spec/zone-name";
import { selectService, withService } from "../services";
import type { Terminal } from "../terminal";
import { table } from "../view/table";
import { wholeNumber } from "../whole-number";

interface LocalOptions {
  service?: string;
  target?: string;
  file?: string;
}

interface RoomOptions {
  spot?: boolean;
}

interface NoticeOptions {
  in: number;
  rebalance?: true;
  withdraw?: true;
}

const CODES: LaunchErrorCode[] = ["NoCapacity", "QuotaExceeded", "LaunchFailed"];

/** Plays the cloud of a service on the `local` target, by changing its cloud file. */
export function addLocalCommands(program: Command, terminal: Terminal): void {
  const local = program.command("local").description("Plays the cloud of a service that runs on this computer.");
  const verb = (name: string, description: string) =>
    withService(local.command(name))
      .description(description)
      .option("--target <name>", "one of the service's `additionalTargets`; default: its own target")
      .option("--file <path>", "this cloud file instead of the service's");

  const say = (cloud: CloudFile) => terminal.out(cloudText(cloud));

  verb("zones", "Shows zones, capacity, prices, boot time and launch errors.").action(async (options: LocalOptions) => {
    say(await readCloudFile(await cloudFileOf(options)));
  });
  verb("take-capacity", "Lets fewer VMs fit into a zone; ends nobody.")
    .argument("<zone>")
    .argument("[count]", "how many, or all", countOr("all"), "all")
    .option("--spot", "of the spot market only")
    .action(async (zone: string, count: number | "all", options: LocalOptions & RoomOptions) => {
      say(await takeCapacity(await cloudFileOf(options), zone, count, roomOf(options)));
    });
  verb("give-capacity", "Lets more VMs fit into a zone.")
    .argument("<zone>")
    .argument("[count]", "how many, or unlimited", countOr("unlimited"), "unlimited")
    .option("--spot", "of the spot market only")
    .action(async (zone: string, count: number | "unlimited", options: LocalOptions & RoomOptions) => {
      say(await giveCapacity(await cloudFileOf(options), zone, count, roomOf(options)));
    });
  verb("fail-launches", "Makes launches fail until `heal-launches`, or some of them.")
    .option("--zone <name>", "in this zone only")
    .option("--code <code>", CODES.join(", "), launchErrorCode, "NoCapacity")
    .option("--times <n>", "only so many", wholeNumber(1))
    .action(async (options: LocalOptions & { zone?: string; code: LaunchErrorCode; times?: number }) => {
      const { zone, code, times } = options;
      say(await failLaunches(await cloudFileOf(options), { zone, code, times: times ?? null }));
    });
  verb("heal-launches", "Ends every launch error.").action(async (options: LocalOptions) => {
    say(await updateCloudFile(await cloudFileOf(options), (cloud) => ({ ...cloud, launchErrors: [] })));
  });
  verb("boot", "Sets how long a VM takes to boot, for launches from now on.")
    .argument("<seconds>", "0 to 3600", seconds)
    .action(async (bootSeconds: number, options: LocalOptions) => {
      say(await updateCloudFile(await cloudFileOf(options), (cloud) => ({ ...cloud, bootSeconds })));
    });
  verb("notice", "Says that a replica's VM will be taken, and takes it then, as a spot market does.")
    .argument("<replica>", "its id, as `status` shows it")
    .option("--in <seconds>", "how long from now; 0 to 3600", seconds, 120)
    .option("--rebalance", "only recommends to be somewhere else: nobody takes it")
    .option("--withdraw", "takes the word back: the VM stays")
    .action(async (replica: string, options: LocalOptions & NoticeOptions) => {
      const { word, said } = noticeOf(options);
      await giveNotice(await cloudFileOf(options, replica), replica, word);
      terminal.out(`${replica} ${said}.\n`);
    });
  withService(local.command("kill"))
    .description("Takes a replica's VM away at once (SIGKILL), as a lost spot VM is.")
    .argument("<replica>", "its id, as `status` shows it")
    .action(async (replica: string, { service }: LocalOptions) => {
      const { folder } = await selectService(service);
      terminal.out(`${replica} was process group ${await killReplica(folder, replica)} and is gone.\n`);
    });
}

function noticeOf({ in: seconds, rebalance, withdraw }: NoticeOptions): {
  word: number | "atRisk" | null;
  said: string;
} {
  if (withdraw) return { word: null, said: "stays" };
  if (rebalance) return { word: "atRisk", said: "is likelier to be taken than others" };
  return { word: Date.now() + seconds * 1000, said: `will be taken in ${seconds} s` };
}

function roomOf({ spot = false }: RoomOptions): Room {
  return spot ? "spotCapacity" : "capacity";
}

/** Without a word of the target: the one that the replica is in. */
async function cloudFileOf({ service, target, file }: LocalOptions, replica?: string): Promise<string> {
  if (file !== undefined) return file;
  const { store } = await selectService(service);
  const { target: own, additionalTargets = [] } = (await store.readIntent()).value.service.spec;
  const zone = replica === undefined ? undefined : (await store.readState())?.value.replicas[replica]?.zone;
  const name = target ?? targetOfZone(zone ?? "");
  if (name === null) return own.cloudFile;
  const found = additionalTargets.find((one) => one.name === name);
  if (found !== undefined) return found.cloudFile;
  const are = additionalTargets.map((one) => one.name).join(", ") || "none";
  throw new ServeError({
    code: "InvalidInput",
    scope: "input",
    reasons: [`The service has no additional target "${name}". There are: ${are}.`],
  });
}

function cloudText({ zones, bootSeconds, launchErrors }: CloudFile): string {
  const limit = (most: number | null) => (most === null ? "unlimited" : String(most));
  const price = (dollars: number | null) => (dollars === null ? "-" : `$${dollars}/h`);
  const row = (name: string, { capacity, spotCapacity, onDemandPrice, spotPrice }: Offer) => [
    name,
    limit(capacity),
    limit(spotCapacity),
    price(onDemandPrice),
    price(spotPrice),
  ];
  const rows = zones.flatMap((zone) => [
    row(zone.name, zone),
    ...Object.entries(zone.shapes ?? {}).map(([shape, offer]) => row(`${zone.name} ${shape}`, offer)),
  ]);
  const errors = launchErrors.map(
    ({ zone, code, times }) =>
      `Launches ${zone === undefined ? "everywhere" : `in ${zone}`} fail with ${code}` +
      `${times === null ? "" : ` (${times} more)`}.`,
  );
  const lines = [
    table(["ZONE", "CAPACITY", "SPOT CAPACITY", "ON-DEMAND", "SPOT"], rows),
    `A VM boots in ${bootSeconds} s.`,
    ...errors,
  ];
  return `${lines.join("\n")}\n`;
}

function countOr<Word extends string>(word: Word): (text: string) => number | Word {
  return (text) => (text === word ? word : wholeNumber(1)(text));
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 3600)) throw new InvalidArgumentError("It must be 0 to 3600.");
  return value;
}

function launchErrorCode(text: string): LaunchErrorCode {
  const code = CODES.find((each) => each === text);
  if (code === undefined) throw new InvalidArgumentError(`It must be one of ${CODES.join(", ")}.`);
  return code;
}

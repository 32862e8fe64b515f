import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { ServeError } from "../../core/errors";
import type { ObservedVm } from "../../core/observed";
import type { Cloud, LaunchRequest, Notice, Offering, Price } from "../../ports/cloud";
import { asLaunchError, launchFailed, startVm, unpackWork } from "./launch";
import { lastLines, rotateLog } from "./log";
import { placeVm } from "./placement";
import { releasePort, reservePort } from "./ports";
import * as vms from "./replica-folder";
import type { ReplicaRecord, Vm } from "./replica-folder";
import { Replicas } from "./replicas";
import { killLeaderlessGroup, killTagged, signalGroup } from "./tagged-processes";
import type { WatchedCloudFile } from "./watched-cloud-file";

/** How long a VM that ended by itself stays listed with its exit. */
export const LISTED_AFTER_END_MS = 5 * 60_000;
/** Folders of ended replicas, with their logs, that are kept for a person to read. */
const KEPT_FOLDERS = 20;
const PURGE_GRACE_MS = 2000;

/** VMs that are process groups on this computer; everything about them is in files, so any process can take over. */
export class LocalCloud implements Cloud {
  private readonly replicas: Replicas;
  /** Placement counts what is there, so within this process one launch is placed after the other. */
  private placing: Promise<unknown> = Promise.resolve();

  constructor(
    serviceFolder: string,
    private readonly uid: string,
    private readonly cloudFile: { path: string; watched: WatchedCloudFile },
  ) {
    this.replicas = new Replicas(serviceFolder);
  }

  async launch(request: LaunchRequest): Promise<void> {
    const { replicaId, epoch } = request;
    const folder = this.replicas.folderOf(replicaId);
    try {
      await this.replicas.fence(epoch);
      const record = await this.recordFor(folder, request);
      if ((await this.claimOf(folder, replicaId)) === "running") return;
      await unpackWork(folder, request.workdir);
      // Unpacking may have taken long: whoever has taken over since must not find VMs of ours coming up.
      await this.replicas.fence(epoch);
      await startVm(folder, this.uid, record, request);
    } catch (error) {
      throw asLaunchError(replicaId, error);
    }
  }

  async terminate({ replicaId, epoch, graceSeconds }: Parameters<Cloud["terminate"]>[0]): Promise<void> {
    const folder = this.replicas.folderOf(replicaId);
    await this.replicas.fence(epoch);
    if (await this.replicas.isBuried(replicaId)) return;
    if (!existsSync(vms.fileOf.claim(folder))) await vms.barFromRunning(folder);
    const vm = await vms.readVm(folder);
    const { status } = vm;
    if (status.kind === "live" || status.kind === "ended") {
      const endsAt = Date.now() + graceSeconds * 1000;
      if (vm.endsAt === null || endsAt < vm.endsAt) await vms.markEnding(folder, endsAt);
      // Once: for many servers a second SIGTERM means "drop everything".
      if (status.kind === "live" && !vm.told) {
        signalGroup(status.leader, "SIGTERM");
        await vms.markTold(folder);
      }
    }
    if (status.kind !== "live" || graceSeconds <= 0) await this.attend(replicaId);
  }

  async list(): Promise<ObservedVm[]> {
    const observed = await Promise.all((await this.replicas.ids()).map((id) => this.describe(id)));
    return observed.filter((vm) => vm !== null);
  }

  async describe(replicaId: string): Promise<ObservedVm | null> {
    const folder = this.replicas.folderOf(replicaId);
    const record = await vms.readRecord(folder);
    if (record === null) return null;
    return this.observedOf(record, await this.attend(replicaId));
  }

  async notices(): Promise<Notice[]> {
    const { notices } = await this.cloudFile.watched.current();
    if (notices.length === 0) return [];
    const running = new Set((await this.list()).filter(({ state }) => state !== "ended").map((vm) => vm.replicaId));
    return notices.filter(({ replicaId }) => running.has(replicaId));
  }

  async offerings(): Promise<Offering[]> {
    const [{ zones }, inUse] = [await this.cloudFile.watched.current(), await this.vmsByZone()];
    return zones.flatMap((zone) => {
      const available = zone.capacity === null ? null : Math.max(0, zone.capacity - (inUse.get(zone.name) ?? 0));
      return pricesOf(zone).map(({ market }) => ({ zone: zone.name, market, available }));
    });
  }

  async prices(): Promise<Price[]> {
    return (await this.cloudFile.watched.current()).zones.flatMap(pricesOf);
  }

  async purge(): Promise<void> {
    const ids = await this.replicas.ids();
    // Politely first, and then by force whatever there is.
    for (const id of ids) {
      const folder = this.replicas.folderOf(id);
      // A full disk must not keep anything alive; what starts in spite of it is found by its tag below.
      if (!existsSync(vms.fileOf.claim(folder))) await vms.barFromRunning(folder).catch(() => false);
      const { status } = await vms.readVm(folder);
      if (status.kind === "live") signalGroup(status.leader, "SIGTERM");
    }
    const deadline = Date.now() + PURGE_GRACE_MS;
    while (Date.now() < deadline && (await this.anyLive(ids))) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const id of ids) {
      const { status } = await vms.readVm(this.replicas.folderOf(id));
      if (status.kind === "live") signalGroup(status.leader, "SIGKILL");
      if (status.kind === "ended") killLeaderlessGroup(status.leader);
    }
    const left = await killTagged(this.uid, null);
    if (left.length > 0) throw undying(left.map(({ pid }) => pid));
    for (const id of ids) await this.giveBackPort(this.replicas.folderOf(id));
    await rm(this.replicas.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async maintain(): Promise<void> {
    const { notices } = await this.cloudFile.watched.current();
    const now = Date.now();
    const taken = new Set(notices.filter(({ at }) => at <= now).map(({ replicaId }) => replicaId));
    const ids = await this.replicas.ids();
    for (const id of ids) {
      const vm = await this.attend(id);
      if (vm.status.kind === "live" && taken.has(id)) signalGroup(vm.status.leader, "SIGKILL");
      if (vm.status.kind === "live") await rotateLog(vms.fileOf.log(vm.folder));
    }
    await this.buryOld(ids);
  }

  /** Reads a VM and does what is due: kills at the deadline, clears up behind the dead. Any process may, at any time. */
  private async attend(replicaId: string): Promise<Vm> {
    const vm = await vms.readVm(this.replicas.folderOf(replicaId));
    if (vm.status.kind === "live" && vm.endsAt !== null && vm.endsAt <= Date.now()) {
      signalGroup(vm.status.leader, "SIGKILL");
    }
    if ((vm.status.kind === "ended" || vm.status.kind === "barred") && !vm.swept) await this.sweep(replicaId, vm);
    return vm;
  }

  /** In this order: nothing may still run in the work copy, or listen on the port, when they are given away. */
  private async sweep(replicaId: string, vm: Vm): Promise<void> {
    const { folder, status } = vm;
    if (status.kind === "ended") killLeaderlessGroup(status.leader);
    if (status.kind === "ended" && status.endedAt === Number.POSITIVE_INFINITY) {
      await vms.markLost(folder, status.phase, Date.now());
      status.endedAt = Date.now();
    }
    // What even SIGKILL does not end (it hangs in the kernel) is tried again at the next look.
    if ((await killTagged(this.uid, replicaId)).length > 0) return;
    await rm(vms.fileOf.work(folder), { recursive: true, force: true, maxRetries: 3 });
    await this.giveBackPort(folder);
    await vms.markSwept(folder);
  }

  private async giveBackPort(folder: string): Promise<void> {
    const record = await vms.readRecord(folder);
    if (record !== null) await releasePort(record.port, folder);
  }

  private async observedOf(record: ReplicaRecord, vm: Vm): Promise<ObservedVm | null> {
    const { replicaId, zone, market, port } = record;
    const seen = { replicaId, address: { host: "127.0.0.1", port }, zone, market, exit: null, restarts: 0 };
    switch (vm.status.kind) {
      case "unclaimed":
        return { ...seen, state: "booting" };
      case "barred":
        return null;
      case "live":
        if (vm.endsAt !== null) return { ...seen, state: "ending" };
        return { ...seen, state: vm.status.phase === "run" ? "running" : "booting" };
      case "ended": {
        if (vm.endsAt !== null || Date.now() - vm.status.endedAt > LISTED_AFTER_END_MS) return null;
        return { ...seen, state: "ended", exit: vms.exitOf(vm.status, await lastLines(vms.fileOf.log(vm.folder), 5)) };
      }
    }
  }

  private async recordFor(folder: string, request: LaunchRequest): Promise<ReplicaRecord> {
    const { replicaId, pool, revision, market, epoch } = request;
    if (await this.replicas.isBuried(replicaId)) throw alreadyEnded(replicaId);
    let record = await vms.readRecord(folder);
    if (record === null) {
      if (existsSync(vms.fileOf.claim(folder))) throw alreadyEnded(replicaId);
      record = await this.place(() => this.newRecord(folder, { replicaId, pool, revision, market, epoch }));
    }
    if (record.pool !== pool || record.revision !== revision) {
      const other = `revision ${record.revision} of pool ${record.pool}`;
      throw launchFailed(replicaId, `the id was already given to ${other}; another replica must be launched.`);
    }
    return record;
  }

  private async newRecord(
    folder: string,
    asked: Pick<ReplicaRecord, "replicaId" | "pool" | "revision" | "market" | "epoch">,
  ): Promise<ReplicaRecord> {
    const cloud = await this.cloudFile.watched.current();
    const zone = await placeVm(this.cloudFile.path, cloud, await this.vmsByZone(), asked.replicaId);
    const port = await reservePort(folder);
    const record = { ...asked, zone, port, bootSeconds: cloud.bootSeconds, launchedAt: Date.now() };
    if (await vms.createRecord(folder, record)) return record;
    await releasePort(port, folder);
    return (await vms.readRecord(folder)) ?? record;
  }

  private async place<T>(next: () => Promise<T>): Promise<T> {
    const placed = this.placing.then(next);
    this.placing = placed.catch(() => undefined);
    return placed;
  }

  /** Throws when the id was ended. */
  private async claimOf(folder: string, replicaId: string): Promise<"running" | "free"> {
    const { status, endsAt } = await vms.readVm(folder);
    if (status.kind === "unclaimed") return "free";
    if (status.kind === "barred" || endsAt !== null) throw alreadyEnded(replicaId);
    return "running";
  }

  private async vmsByZone(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { zone, state } of await this.list()) {
      if (state !== "ended") counts.set(zone, (counts.get(zone) ?? 0) + 1);
    }
    return counts;
  }

  private async anyLive(ids: readonly string[]): Promise<boolean> {
    const seen = await Promise.all(ids.map((id) => vms.readVm(this.replicas.folderOf(id))));
    return seen.some(({ status }) => status.kind === "live");
  }

  /** Old ended replicas leave only their id behind, so that a service that runs for years does not fill the disk. */
  private async buryOld(ids: readonly string[]): Promise<void> {
    if (ids.length <= KEPT_FOLDERS) return;
    const ended: { id: string; endedAt: number }[] = [];
    for (const id of ids) {
      const { status, swept } = await vms.readVm(this.replicas.folderOf(id));
      if (!swept) continue;
      if (status.kind === "barred") ended.push({ id, endedAt: 0 });
      if (status.kind === "ended") ended.push({ id, endedAt: status.endedAt });
    }
    const old = ended.sort((a, b) => b.endedAt - a.endedAt).slice(KEPT_FOLDERS);
    for (const { id, endedAt } of old) {
      if (Date.now() - endedAt > LISTED_AFTER_END_MS) await this.replicas.bury(id);
    }
  }
}

function pricesOf(zone: { name: string; onDemandPrice: number | null; spotPrice: number | null }): Price[] {
  const prices: Price[] = [];
  if (zone.onDemandPrice !== null) {
    prices.push({ zone: zone.name, market: "onDemand", dollarsPerHour: zone.onDemandPrice });
  }
  if (zone.spotPrice !== null) prices.push({ zone: zone.name, market: "spot", dollarsPerHour: zone.spotPrice });
  return prices;
}

function alreadyEnded(replicaId: string): ServeError {
  return new ServeError({
    code: "InvalidInput",
    scope: "input",
    reasons: [`Replica ${replicaId} was ended, and an id never runs twice: launch a replica with a new id.`],
  });
}

function undying(pids: readonly number[]): ServeError {
  return new ServeError({
    code: "ReplicaFailed",
    scope: "account",
    retryable: true,
    reasons: [`Processes ${pids.join(", ")} of this service do not end although they were killed: see \`ps\` for why.`],
  });
}

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Notice, ObservedVm } from "../../core/observed";
import { shapeOf } from "../../core/spec/shape";
import type { Cloud, LaunchRequest, Offering, Price, RestartRequest } from "../../ports/cloud";
import { attend, giveBackPort } from "./attend";
import { alreadyEnded, asLaunchError, damagedRecord, launchFailed, undying } from "./errors";
import { startProgram, unpackWork } from "./launch";
import { rotateLog } from "./log";
import { LISTED_AFTER_END_MS, observeVm } from "./observe";
import { NONE_IN_USE, placeKey, placeVm, roomIn, type InUse } from "./placement";
import { pricesOf } from "./prices";
import { releasePort, reservePort } from "./ports";
import { fileOf, markTold } from "./program-folder";
import * as vms from "./replica-folder";
import type { ReplicaRecord, Vm } from "./replica-folder";
import { Replicas } from "./replicas";
import { restartProgram } from "./restart";
import type { ProcessIdentity } from "../../host/process-identity";
import { signalGroup } from "../../host/signal";
import { Turns } from "../../host/turns";
import { killLeaderlessGroup, killTagged } from "./tagged-processes";
import { watchWorld } from "./watch";
import type { WatchedCloudFile } from "./watched-cloud-file";

/** Folders of ended replicas, with their logs, that are kept for a person to read. */
const KEPT_FOLDERS = 20;
const PURGE_GRACE_MS = 2000;

/** VMs that are process groups on this computer; everything about them is in files, so any process can take over. */
export class LocalCloud implements Cloud {
  readonly tellsOfLosses = true;
  private readonly replicas: Replicas;
  /** Placement counts what is there, so within this process one launch is placed after the other. */
  private readonly placing = new Turns();
  /** First processes of the VMs that the last listing showed at work: when one goes, a VM is lost. */
  private atWork: ProcessIdentity[] = [];

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
      await startProgram({ folder, uid: this.uid, record, restarts: 0 }, request);
    } catch (error) {
      throw asLaunchError(replicaId, error);
    }
  }

  async restart(request: RestartRequest): Promise<void> {
    const { replicaId, epoch } = request;
    const folder = this.replicas.folderOf(replicaId);
    const fence = () => this.replicas.fence(epoch);
    try {
      await fence();
      if (await this.replicas.isBuried(replicaId)) throw alreadyEnded(replicaId);
      await restartProgram({ folder, uid: this.uid }, request, fence);
    } catch (error) {
      throw asLaunchError(replicaId, error);
    }
  }

  async terminate({ replicaId, epoch, graceSeconds }: Parameters<Cloud["terminate"]>[0]): Promise<void> {
    const folder = this.replicas.folderOf(replicaId);
    await this.replicas.fence(epoch);
    if (await this.replicas.isBuried(replicaId)) return;
    if (!existsSync(fileOf.claim(folder))) await vms.barFromRunning(folder);
    const endsAt = Date.now() + graceSeconds * 1000;
    const before = await vms.readVm(folder);
    if (before.endsAt === null || endsAt < before.endsAt) await vms.markEnding(folder, endsAt);
    // Looked at after the mark: whoever starts after this look finds the mark and gives way.
    const { programs } = await vms.readVm(folder);
    const live = programs.filter(({ status }) => status.kind === "live");
    for (const { folder: own, status, told } of live) {
      // Once: for many servers a second SIGTERM means "drop everything".
      if (status.kind !== "live" || told) continue;
      signalGroup(status.leader, "SIGTERM");
      await markTold(own);
    }
    if (live.length === 0 || graceSeconds <= 0) await this.attend(replicaId);
  }

  async list(): Promise<ObservedVm[]> {
    const ids = await this.replicas.ids();
    const vms = await Promise.all(ids.map(async (id) => ({ id, vm: await this.attend(id) })));
    this.atWork = vms.flatMap(({ vm: { present, endsAt } }) =>
      present.status.kind === "live" && endsAt === null ? [present.status.leader] : [],
    );
    const observed = await Promise.all(vms.map(({ id, vm }) => this.told(id, vm)));
    return observed.filter((vm) => vm !== null);
  }

  async describe(replicaId: string): Promise<ObservedVm | null> {
    return this.told(replicaId, await this.attend(replicaId));
  }

  watch(listener: () => void): () => void {
    return watchWorld(this.cloudFile.path, () => this.atWork, listener);
  }

  private async told(replicaId: string, vm: Vm): Promise<ObservedVm | null> {
    // A place that was given, and whose program nobody has started, is no VM: told as one, nobody would start it any more
    // once the process that had begun to is gone.
    return vms.isOnlyPlaced(vm) ? null : this.observe(replicaId, vm);
  }

  async notices(): Promise<Notice[]> {
    const { notices } = await this.cloudFile.watched.current();
    const known = new Set(notices.length === 0 ? [] : await this.replicas.ids());
    const ours = notices.filter(({ replicaId }) => known.has(replicaId));
    const vms = await Promise.all(ours.map(({ replicaId }) => this.describe(replicaId)));
    return ours.filter((_, index) => vms[index] !== null && vms[index]!.state !== "ended");
  }

  async offerings(): Promise<Offering[]> {
    const [{ zones }, inUse] = [await this.cloudFile.watched.current(), await this.vmsByZone()];
    return zones.flatMap((zone) =>
      pricesOf(zone).map(({ market, shape }) => {
        const available = roomIn(zone, inUse, market, shape ?? null);
        return { zone: zone.name, market, ...(shape !== undefined && { shape }), available };
      }),
    );
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
      if (!existsSync(fileOf.claim(folder))) await vms.barFromRunning(folder).catch(() => false);
      await vms.markEnding(folder, Date.now() + PURGE_GRACE_MS).catch(() => undefined);
      for (const { status } of (await vms.readVm(folder)).programs) {
        if (status.kind === "live") signalGroup(status.leader, "SIGTERM");
      }
    }
    const deadline = Date.now() + PURGE_GRACE_MS;
    while (Date.now() < deadline && (await this.anyLive(ids))) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const id of ids) {
      for (const { status } of (await vms.readVm(this.replicas.folderOf(id))).programs) {
        if (status.kind === "live") signalGroup(status.leader, "SIGKILL");
        if (status.kind === "ended") killLeaderlessGroup(status.leader);
      }
    }
    const left = await killTagged(this.uid, null);
    if (left.length > 0) throw undying(left.map(({ pid }) => pid));
    for (const id of ids) await giveBackPort(this.replicas.folderOf(id));
    await rm(this.replicas.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async maintain(): Promise<void> {
    const { notices } = await this.cloudFile.watched.current();
    const now = Date.now();
    const taken = new Set(notices.filter(({ at }) => at !== null && at <= now).map(({ replicaId }) => replicaId));
    const ids = await this.replicas.ids();
    for (const id of ids) {
      const { folder, present } = await this.attend(id);
      if (present.status.kind !== "live") continue;
      if (taken.has(id)) signalGroup(present.status.leader, "SIGKILL");
      await rotateLog(vms.vmFile.log(folder));
    }
    await this.buryOld(ids);
  }

  private attend(replicaId: string): Promise<Vm> {
    return attend({ uid: this.uid, replicaId }, this.replicas.folderOf(replicaId));
  }

  private async recordFor(folder: string, request: LaunchRequest): Promise<ReplicaRecord> {
    const { replicaId, pool, revision, market, epoch, resources } = request;
    if (await this.replicas.isBuried(replicaId)) throw alreadyEnded(replicaId);
    let record = await vms.readRecord(folder);
    if (record === null) {
      if (existsSync(fileOf.claim(folder))) throw alreadyEnded(replicaId);
      record = await this.placing.take(() =>
        this.newRecord(folder, { replicaId, pool, revision, market, epoch }, { zone: request.zone, resources }),
      );
    }
    if (record === "damaged") throw damagedRecord(replicaId, vms.vmFile.record(folder));
    if (record.pool !== pool || record.revision !== revision) {
      const other = `revision ${record.revision} of pool ${record.pool}`;
      throw launchFailed(replicaId, `the id was already given to ${other}; another replica must be launched.`);
    }
    return record;
  }

  private async newRecord(
    folder: string,
    asked: Pick<ReplicaRecord, "replicaId" | "pool" | "revision" | "market" | "epoch">,
    wanted: Pick<LaunchRequest, "zone" | "resources">,
  ): Promise<ReplicaRecord> {
    const cloud = await this.cloudFile.watched.current();
    const zone = await placeVm(this.cloudFile.path, cloud, await this.vmsByZone(), { ...asked, ...wanted });
    const port = await reservePort(folder);
    const shape = shapeOf(wanted.resources.accelerators);
    const record = {
      ...asked,
      zone,
      ...(shape !== null && { shape }),
      port,
      bootSeconds: cloud.bootSeconds,
      launchedAt: Date.now(),
    };
    if (await vms.createRecord(folder, record)) return record;
    await releasePort(port, folder);
    const winner = await vms.readRecord(folder);
    if (winner === "damaged") throw damagedRecord(asked.replicaId, vms.vmFile.record(folder));
    return winner ?? record;
  }

  /** Throws when the id was ended. */
  private async claimOf(folder: string, replicaId: string): Promise<"running" | "free"> {
    const { present, restarting, endsAt } = await vms.readVm(folder);
    if (endsAt !== null) throw alreadyEnded(replicaId);
    // What it was launched with must not come back once its program was replaced.
    if (restarting) return "running";
    if (present.status.kind === "barred") throw alreadyEnded(replicaId);
    return present.status.kind === "unclaimed" ? "free" : "running";
  }

  /** By zone, and by shape in each. */
  private async vmsByZone(): Promise<Map<string, InUse>> {
    const counts = new Map<string, InUse>();
    const count = (place: string, market: ObservedVm["market"]) => {
      const { all, spot } = counts.get(place) ?? NONE_IN_USE;
      counts.set(place, { all: all + 1, spot: spot + (market === "spot" ? 1 : 0) });
    };
    // With those that are only placed: launches side by side must not all take the same room.
    const ids = await this.replicas.ids();
    const placed = await Promise.all(ids.map(async (id) => this.observe(id, await this.attend(id))));
    for (const [index, vm] of placed.entries()) {
      if (vm === null || vm.state === "ended") continue;
      count(vm.zone, vm.market);
      const record = await vms.readRecord(this.replicas.folderOf(ids[index]!));
      if (record !== null && record !== "damaged" && record.shape !== undefined) {
        count(placeKey(vm.zone, record.shape), vm.market);
      }
    }
    return counts;
  }

  private async observe(replicaId: string, vm: Vm): Promise<ObservedVm | null> {
    return observeVm(replicaId, await vms.readRecord(this.replicas.folderOf(replicaId)), vm);
  }

  private async anyLive(ids: readonly string[]): Promise<boolean> {
    const seen = await Promise.all(ids.map((id) => vms.readVm(this.replicas.folderOf(id))));
    return seen.some(({ programs }) => programs.some(({ status }) => status.kind === "live"));
  }

  /** Old ended replicas leave only their id behind, so that a service that runs for years does not fill the disk. */
  private async buryOld(ids: readonly string[]): Promise<void> {
    if (ids.length <= KEPT_FOLDERS) return;
    const ended: { id: string; endedAt: number }[] = [];
    for (const id of ids) {
      const { present, restarting, cleared } = await vms.readVm(this.replicas.folderOf(id));
      if (!cleared && (!present.swept || restarting)) continue;
      const { status } = present;
      if (status.kind !== "live") ended.push({ id, endedAt: status.kind === "ended" ? status.endedAt : 0 });
    }
    const old = ended.sort((a, b) => b.endedAt - a.endedAt).slice(KEPT_FOLDERS);
    for (const { id, endedAt } of old) {
      if (Date.now() - endedAt <= LISTED_AFTER_END_MS) continue;
      await giveBackPort(this.replicas.folderOf(id));
      await this.replicas.bury(id);
    }
  }
}

import { ServeError, sentenceOf } from "../core/errors";
import type { Notice, ObservedVm } from "../core/observed";
import type { Targets } from "../core/spec/pool";
import { targetOfZone, zoneInTarget, zoneName } from "../core/spec/zone-name";
import type { Cloud, LaunchRequest, Offering, Price, RestartRequest } from "../ports/cloud";

type Declared = Targets["target"] & { name: string | null; retired?: true };

interface Target {
  declared: Declared;
  cloud: Cloud;
  /** What it last told; null: nothing yet. */
  vms: ObservedVm[] | null;
  /** Replicas that were asked for there since its last listing began. */
  launched: Set<string>;
  prices: Price[] | null;
  notices: Notice[];
  unwatch: () => void;
}

/**
 * All targets of a service as one cloud: zones are named with their target, and each call goes to whose it is. A target
 * that cannot be seen stops no other: what it told last counts for as long as that lasts.
 */
export class ManyTargets implements Cloud {
  private targets: Target[] = [];
  private listener: (() => void) | null = null;
  /** Sentences about targets that cannot be seen, each told once. */
  private readonly blind = new Set<string>();

  constructor(
    declared: Targets,
    private readonly open: (declared: Declared) => Cloud,
    private readonly warn: (sentence: string) => void,
  ) {
    this.follow(declared);
  }

  follow({ target, additionalTargets = [] }: Targets): boolean {
    const wanted: Declared[] = [{ ...target, name: null }, ...additionalTargets];
    const before = this.targets;
    this.targets = wanted.map((declared) => {
      const known = before.find(({ declared: { name } }) => name === declared.name);
      if (known === undefined) return this.opened(declared, null);
      return JSON.stringify(known.declared) === JSON.stringify(declared) ? known : this.opened(declared, known);
    });
    for (const one of before) if (!this.targets.includes(one)) one.unwatch();
    return this.targets.some((one) => !before.includes(one));
  }

  async launch(request: LaunchRequest): Promise<void> {
    const zone = request.zone ?? null;
    const known = this.ownerOf(request.replicaId);
    const target = known ?? (zone === null ? this.anyFor(request.market) : this.named(targetOfZone(zone)));
    if (target === undefined) throw nowhere(request);
    target.launched.add(request.replicaId);
    return target.cloud.launch({ ...request, zone: zone === null ? null : zoneInTarget(zone) });
  }

  async restart(request: RestartRequest): Promise<void> {
    const target = this.ownerOf(request.replicaId) ?? (await this.search(request.replicaId)) ?? this.targets[0]!;
    return target.cloud.restart(request);
  }

  async terminate(request: Parameters<Cloud["terminate"]>[0]): Promise<void> {
    const owner = this.ownerOf(request.replicaId);
    // Whose it is nobody knows: it must run in none of them.
    const targets = owner === undefined ? this.targets : [owner];
    await Promise.all(targets.map(({ cloud }) => cloud.terminate(request)));
  }

  async list(): Promise<ObservedVm[]> {
    await Promise.all(
      this.targets.map((one) =>
        this.seen(one, "the VMs", one.vms, async () => {
          const before = [...one.launched];
          one.vms = (await one.cloud.list()).map((vm) => inTarget(one, vm));
          for (const id of before) one.launched.delete(id);
        }),
      ),
    );
    return this.targets.flatMap(({ vms }) => vms ?? []);
  }

  async describe(replicaId: string): Promise<ObservedVm | null> {
    for (const one of this.targets) {
      const vm = await one.cloud.describe(replicaId);
      if (vm !== null) return inTarget(one, vm);
    }
    return null;
  }

  /** What runs where nothing is launched any more had better be somewhere else. */
  async notices(): Promise<Notice[]> {
    await Promise.all(
      this.targets.map((one) =>
        this.seen(one, "the notices", one.notices, async () => {
          one.notices = await one.cloud.notices();
        }),
      ),
    );
    return this.targets.flatMap(({ declared, notices, vms }) => {
      if (!declared.retired) return notices;
      const told = new Set(notices.map(({ replicaId }) => replicaId));
      const others = (vms ?? []).filter(({ replicaId, state }) => state !== "ended" && !told.has(replicaId));
      return [...notices, ...others.map(({ replicaId }) => ({ replicaId, at: null }))];
    });
  }

  get tellsOfLosses(): boolean {
    return this.targets.every(({ cloud }) => cloud.tellsOfLosses === true);
  }

  watch(listener: () => void): () => void {
    this.listener = listener;
    for (const one of this.targets) one.unwatch = this.watched(one.cloud);
    return () => {
      this.listener = null;
      for (const one of this.targets) one.unwatch();
    };
  }

  async offerings(): Promise<Offering[]> {
    const offered = await Promise.all(this.targets.map(async (one) => used(one.declared, await one.cloud.offerings())));
    return offered.flat();
  }

  async prices(): Promise<Price[]> {
    await Promise.all(
      this.targets.map((one) =>
        this.seen(one, "the prices", one.prices, async () => {
          one.prices = used(one.declared, await one.cloud.prices());
        }),
      ),
    );
    return this.targets.flatMap(({ prices }) => prices ?? []);
  }

  async purge(): Promise<void> {
    await Promise.all(this.targets.map(({ cloud }) => cloud.purge()));
  }

  async maintain(): Promise<void> {
    await Promise.all(this.targets.map(({ cloud }) => cloud.maintain()));
  }

  private opened(declared: Declared, before: Target | null): Target {
    const cloud = this.open(declared);
    const { vms = null, launched = new Set<string>(), notices = [] } = before ?? {};
    return { declared, cloud, vms, launched, notices, prices: null, unwatch: this.watched(cloud) };
  }

  private watched(cloud: Cloud): () => void {
    return (this.listener && cloud.watch?.(this.listener)) ?? (() => undefined);
  }

  private named(name: string | null): Target | undefined {
    return this.targets.find(({ declared }) => declared.name === name && !declared.retired);
  }

  private anyFor(market: LaunchRequest["market"]): Target | undefined {
    return this.targets.find(({ declared: { markets, retired } }) => !retired && (markets?.includes(market) ?? true));
  }

  /** As the last listing and what was asked for since say. */
  private ownerOf(id: string): Target | undefined {
    return this.targets.find(({ vms, launched }) => launched.has(id) || vms?.some(({ replicaId }) => replicaId === id));
  }

  private async search(replicaId: string): Promise<Target | undefined> {
    for (const one of this.targets) if ((await one.cloud.describe(replicaId)) !== null) return one;
    return undefined;
  }

  /** Throws when it has never been seen: what is not known must not be taken for nothing. */
  private async seen(one: Target, what: string, last: unknown, look: () => Promise<void>): Promise<void> {
    const about = `${what} of ${one.declared.name === null ? "the service's own target" : `target ${one.declared.name}`}`;
    try {
      await look();
      this.blind.delete(about);
    } catch (error) {
      if (last === null) throw error;
      if (!this.blind.has(about)) this.warn(`${about} cannot be seen, what was seen last counts: ${sentenceOf(error)}`);
      this.blind.add(about);
    }
  }
}

/** Of what a target offers, what of it is used, under the names that its zones have beside those of others. */
export function used<Offer extends Pick<Price, "zone" | "market">>(
  { name, markets, retired }: Declared,
  offers: readonly Offer[],
): Offer[] {
  if (retired) return [];
  return offers
    .filter(({ market }) => markets?.includes(market) ?? true)
    .map((offer) => ({ ...offer, zone: zoneName(name, offer.zone) }));
}

function inTarget({ declared }: Target, vm: ObservedVm): ObservedVm {
  return { ...vm, zone: zoneName(declared.name, vm.zone) };
}

function nowhere({ replicaId, market, zone }: LaunchRequest): ServeError {
  const what = market === "spot" ? "spot" : "on-demand";
  const where = zone ? `the target of zone ${zone} is declared no more` : `no target of the service offers ${what}`;
  return new ServeError({
    code: "NoCapacity",
    scope: "zoneAndType",
    retryable: true,
    reasons: [`Replica ${replicaId} has nowhere to go: ${where}.`],
  });
}

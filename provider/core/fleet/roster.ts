import type { Replica } from "../state";

type ById = Readonly<Record<string, Replica>>;

/** What is known of one state's replicas besides the object that it keeps them in. */
interface Listing {
  /** In the order in which they were launched. */
  readonly replicas: readonly Replica[];
  /** Where each stands; null: nobody had to know yet. */
  places: ReadonlyMap<string, number> | null;
}

/**
 * By the object that a state keeps them in, which nobody changes once it is made: to list the members of a large object
 * and to find their places are most of a tick in which little changes.
 */
const listings = new WeakMap<ById, Listing>();

/**
 * The replicas while a tick changes them. The state keeps them by id in one plain object, which is slow to list and to
 * make: it is listed once, and made anew once if anything changed. What was given stays as it is.
 */
export class Roster {
  private readonly listing: Listing;
  /** By place, undefined where one was forgotten; null until the first change, which most ticks have none of. */
  private members: (Replica | undefined)[] | null = null;
  private readonly added = new Map<string, number>();
  private forgotten = 0;
  /** What was handed out last; null: something has changed since. */
  private listed: readonly Replica[] | null = null;

  constructor(private readonly before: ById) {
    this.listing = listingOf(before);
  }

  /** In the order in which they were launched. What was handed out stays as it is. */
  all(): readonly Replica[] {
    if (this.members === null) return this.listing.replicas;
    return (this.listed ??= this.members.filter((replica) => replica !== undefined));
  }

  get(id: string): Replica | undefined {
    if (this.members === null) return this.before[id];
    const place = this.placeOf(id);
    return place === undefined ? undefined : this.members[place];
  }

  keep(replica: Replica): void {
    const members = this.changing();
    const place = this.placeOf(replica.id);
    if (place === undefined) this.added.set(replica.id, members.push(replica) - 1);
    else {
      if (members[place] === undefined) this.forgotten -= 1;
      members[place] = replica;
    }
  }

  forget(id: string): void {
    const members = this.changing();
    const place = this.placeOf(id);
    if (place === undefined || members[place] === undefined) return;
    members[place] = undefined;
    this.forgotten += 1;
  }

  /** As the state keeps them; the very same object when nothing changed. */
  byId(): Record<string, Replica> {
    const { members } = this;
    if (members === null) return this.before;
    const byId: Record<string, Replica> = {};
    for (const places of [placesOf(this.listing), this.added]) {
      for (const [id, place] of places) {
        const replica = members[place];
        if (replica !== undefined) byId[id] = replica;
      }
    }
    const same = this.added.size === 0 && this.forgotten === 0;
    listings.set(byId, { replicas: this.all(), places: same ? this.listing.places : null });
    return byId;
  }

  private changing(): (Replica | undefined)[] {
    this.listed = null;
    return (this.members ??= [...this.listing.replicas]);
  }

  private placeOf(id: string): number | undefined {
    return placesOf(this.listing).get(id) ?? this.added.get(id);
  }
}

function listingOf(byId: ById): Listing {
  let listing = listings.get(byId);
  if (listing === undefined) {
    listing = { replicas: listOf(byId), places: null };
    listings.set(byId, listing);
  }
  return listing;
}

function placesOf(listing: Listing): ReadonlyMap<string, number> {
  return (listing.places ??= new Map(listing.replicas.map(({ id }, place) => [id, place])));
}

/** Twice as fast as `Object.values`, which sorts the members of a large object. */
function listOf(byId: ById): Replica[] {
  const replicas: Replica[] = [];
  for (const id in byId) replicas.push(byId[id]!);
  return replicas;
}

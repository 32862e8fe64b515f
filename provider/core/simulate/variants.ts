import { PACE, type Pace } from "../spot/memory";
import type { SpotSpec } from "../spot/spec";
import { ownPolicy } from "./own-policy";
import type { Policy } from "./policy";
import { evenSpread, roundRobin, spotHedge } from "./published";
import type { Setting } from "./run";

type SettingOfAll = Pick<Setting, "wanted" | "prices" | "coldStartSeconds">;

/** What `graceSeconds: "auto"` comes to where every start takes equally long. */
const AUTO_GRACE = 1.5;

/**
 * What a user can choose between: the own policy as grace, overprovision and caution move together, and as on-demand
 * takes over from spot; the published ones with as many spare replicas.
 */
export function choices(spec: SpotSpec, { wanted, prices }: SettingOfAll): Policy[] {
  const most = Math.max(...wanted);
  const spares = distinct([0, 1, 2, most]);
  const own = spares.flatMap((numOverprovision) =>
    distinct([0, 300, 600, 1200]).flatMap((cautionSeconds) =>
      (["auto", 0] as const).map((graceSeconds) => ({ numOverprovision, cautionSeconds, graceSeconds })),
    ),
  );
  const bases = distinct([0.25, 0.5, 0.75, 1].map((share) => Math.ceil(share * most)));
  const based = bases.map((baseOnDemandReplicas) => ({ baseOnDemandReplicas }));
  return [
    ...[...own, ...based].map((change) => changed(spec, change, prices)),
    ...spares.flatMap((spare) => [spotHedge(spare), roundRobin(spare), evenSpread(spare)]),
  ];
}

/** The own policy as given, and with each of its numbers halved and doubled. A number that is 0 has neither. */
export function halvedAndDoubled(spec: SpotSpec, { prices, coldStartSeconds }: SettingOfAll): Policy[] {
  const grace = spec.graceSeconds === "auto" ? AUTO_GRACE * coldStartSeconds : spec.graceSeconds;
  const numbers: Partial<Record<keyof SpotSpec, number>> = {
    baseOnDemandReplicas: spec.baseOnDemandReplicas,
    numOverprovision: spec.numOverprovision,
    graceSeconds: grace,
    minFallbackSeconds: spec.minFallbackSeconds,
    cautionSeconds: spec.cautionSeconds,
  };
  const ofSpec = Object.entries(numbers).flatMap(([name, value]) =>
    twice(value).map((next) => changed(spec, { [name]: name.endsWith("Seconds") ? next : Math.floor(next) }, prices)),
  );
  const ofPace = Object.entries(PACE).flatMap(([name, value]: [string, number]) =>
    twice(value).map((next) => {
      const pace: Pace = { ...PACE, [name]: next };
      return ownPolicy(`own ${name} ${next}`, spec, prices, pace);
    }),
  );
  return [ownPolicy("own", spec, prices), ...ofSpec, ...ofPace];
}

function changed(spec: SpotSpec, change: Partial<SpotSpec>, prices: Setting["prices"]): Policy {
  return ownPolicy(`own ${shown(change)}`, { ...spec, ...change }, prices);
}

/** As `--spot` takes it. */
function shown(change: Partial<SpotSpec>): string {
  return JSON.stringify(change);
}

function twice(value: number | undefined): number[] {
  return value === undefined || value === 0 ? [] : [value / 2, value * 2];
}

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

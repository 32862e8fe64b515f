import type { Candidate, Slot } from "../../../provider/core/spot/candidate";
import { NO_MEMORY, note, type PlacementEvent, type PlacementMemory } from "../../../provider/core/spot/memory";

export const MINUTE = 60_000;

export function place(
  zone: string,
  market: Candidate["market"] = "spot",
  dollarsPerHour: number | null = 1,
): Candidate {
  const region = zone.slice(0, -1);
  return { key: `cloud/${zone}/${market}`, target: "cloud", region, zone, shape: "gpu", market, dollarsPerHour };
}

export function slot(id: string, zone: string, given: Partial<Slot> = {}): Slot {
  const { market = "spot", status = "ready", launchedAt = 0 } = given;
  const readyAt = status === "ready" ? launchedAt + 3 * MINUTE : null;
  const region = zone.slice(0, -1);
  return { id, market, target: "cloud", region, zone, status, launchedAt, readyAt, fallback: false, ...given };
}

export function standIn(id: string, given: Partial<Slot> = {}): Slot {
  return slot(id, "eu-1a", { market: "onDemand", fallback: true, ...given });
}

/** What is remembered after these events, each with its time in minutes. */
export function after(...events: [number, PlacementEvent][]): PlacementMemory {
  return events.reduce((memory, [minute, event]) => note(memory, event, minute * MINUTE), NO_MEMORY);
}

export function refused(
  candidate: Candidate,
  scope: "zoneAndType" | "market" | "account" = "zoneAndType",
): PlacementEvent {
  return { kind: "refused", candidate, scope, reason: "no capacity" };
}

export function lost(candidate: Candidate): PlacementEvent {
  return { kind: "lost", candidate, preempted: true };
}

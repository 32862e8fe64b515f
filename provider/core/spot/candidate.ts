export type Market = "onDemand" | "spot";

/** One place and shape that a replica could be launched in. */
export interface Candidate {
  /** Unique and stable: what memory is kept under. */
  key: string;
  target: string;
  region: string;
  zone: string;
  /** Machine type, or whatever the target calls it. */
  shape: string;
  market: Market;
  /** Null: not known. */
  dollarsPerHour: number | null;
}

/** A replica of the pool as the spot policy sees it; drained and terminating ones are not among them. */
export interface Slot {
  id: string;
  market: Market;
  target: string;
  region: string;
  zone: string;
  /** Absent: the pool has machines of one shape only. */
  shape?: string;
  /** "noticed": the cloud takes it soon, so its replacement is due now. */
  status: "launching" | "starting" | "ready" | "notReady" | "noticed";
  launchedAt: number;
  /** When it became ready; null: not yet. */
  readyAt: number | null;
  /** The cloud has recommended to be somewhere else. */
  atRisk?: true;
  /** An on-demand VM that stands in for spot (always false for spot and for the base). */
  fallback: boolean;
}

import type { DataPlane } from "../../../provider/ports/dataplane";

/** One running engine, of whichever kind, without a routing yet. */
export interface EngineUnderTest {
  plane: DataPlane;
  /** Of the service. */
  folder: string;
  /** Each counts for itself, and a client's connection stays with one of them; absent: one. */
  workers?: number;
  /** Ends the engine and whatever it left, even after a failed test. */
  stop(): Promise<void>;
}

export type EngineFactory = () => Promise<EngineUnderTest>;

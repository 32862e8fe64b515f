import type { ServerOptions } from "node:http2";

/** Requests of one connection at once; a client that wants more has to wait, or to connect once more. */
export const MAX_STREAMS = 100;
/** What of one body may be on its way before somebody reads it, in bytes. */
export const STREAM_WINDOW = 65_535;
const MAX_FIELDS = 256;

/**
 * What one connection may cost. Besides, the library ends one that takes back requests faster than 33 a second (after 1,000
 * of them: CVE-2023-44487), that spreads a head over more than eight frames (CVE-2024-27316), or that asks for answers which
 * it does not read, to pings and settings (CVE-2019-9512, -9515).
 */
export const HTTP2_LIMITS: ServerOptions = {
  settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: STREAM_WINDOW, enableConnectProtocol: false },
  maxHeaderListPairs: MAX_FIELDS,
  maxSettings: 32,
  maxDeflateDynamicTableSize: 4096,
  maxSessionInvalidFrames: 1000,
  maxSessionRejectedStreams: 100,
  maxSendHeaderBlockLength: 256 * 1024,
  // In units of a million bytes: what the library keeps for one connection, bodies not counted.
  maxSessionMemory: 16,
};

/** What a header may take before it is refused as a breach, in the way in which HTTP/2 counts: above the one that is answered 431. */
export function maxHeaderListSize(maxHeaderBytes: number): number {
  return 2 * maxHeaderBytes + MAX_FIELDS * 32;
}

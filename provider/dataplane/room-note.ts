import type { Revision } from "../core/spec/pool";

/** A field of the answers from the waiting room, for the engine in front of it; no client sees it. */
export const ROOM_FIELD = "x-pulumi-serve-room";

/** What became of a request in the waiting room. */
export interface RoomNote {
  replica: string;
  revision: Revision;
  tries: number;
  queueMs: number;
}

export function roomNote({ replica, revision, tries, queueMs }: RoomNote): string {
  return [replica, revision, String(tries), String(queueMs)].map(encodeURIComponent).join("/");
}

/** Null: that says no such thing. */
export function readRoomNote(text: string): RoomNote | null {
  const [replica, revision, tries, queueMs, ...more] = text.split("/");
  if (queueMs === undefined || more.length > 0) return null;
  return {
    replica: decodeURIComponent(replica!),
    revision: decodeURIComponent(revision!),
    tries: Number(tries),
    queueMs: Number(queueMs),
  };
}

import { ROOM_FIELD, roomNote } from "../room-note";
import type { ResponseFraming } from "./client-request";
import { WatchedRequest } from "./watched-request";

/** A request in the waiting room, whose answer tells the engine in front of it who gave it. */
export class RoomRequest extends WatchedRequest {
  override begin(status: number, reason: string, fields: readonly string[], framing: ResponseFraming): void {
    const { member, revision, tries, queueMs } = this;
    const note = roomNote({ replica: member!.desired.id, revision: revision!, tries, queueMs: Math.round(queueMs) });
    super.begin(status, reason, [...fields, ROOM_FIELD, note], framing);
  }
}

import { ROOM_FIELD, roomNote } from "../room-note";
import type { ResponseHead } from "./client-request";
import { WatchedRequest } from "./watched-request";

/** A request in the waiting room, whose answer tells the engine in front of it who gave it. */
export class RoomRequest extends WatchedRequest {
  override begin(head: ResponseHead): void {
    const { member, revision, tries, queueMs } = this;
    const note = roomNote({ replica: member!.desired.id, revision: revision!, tries, queueMs: Math.round(queueMs) });
    super.begin({ ...head, fields: `${head.fields}${ROOM_FIELD}: ${note}\r\n` });
  }
}

import { open, type FileHandle } from "node:fs/promises";
import type { ServeEvent } from "../../core/events";
import { writing } from "./unwritable";

const CHUNK = 64 * 1024;

/**
 * The append-only trace, one JSON object a line. A writer that was killed, or a full disk, leaves at most a torn last
 * line, which readers skip and the next writer drops: its events are still in the state's outbox and come again.
 */
export class EventLog {
  /** What the log's end was when we last looked; another size means that somebody else has written. */
  private tail: { size: number; lastSeq: number } | null = null;
  /** Where a reader that follows the log goes on, so that it need not read all of it each time. */
  private cursor: { nextSeq: number; offset: number } = { nextSeq: 0, offset: 0 };

  constructor(private readonly file: string) {}

  async append(events: readonly ServeEvent[]): Promise<void> {
    if (events.length === 0) return;
    await writing(this.file, async () => {
      const handle = await open(this.file, "a+", 0o600);
      try {
        await this.appendTo(handle, events);
      } finally {
        await handle.close();
      }
    });
  }

  async read(from: number): Promise<ServeEvent[]> {
    const handle = await open(this.file, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (handle === null) return [];
    try {
      return await this.readFrom(handle, from);
    } finally {
      await handle.close();
    }
  }

  private async appendTo(handle: FileHandle, events: readonly ServeEvent[]): Promise<void> {
    const { size } = await handle.stat();
    if (this.tail?.size !== size) this.tail = await findTail(handle, size);
    if (this.tail.size < size) await handle.truncate(this.tail.size);
    const { lastSeq } = this.tail;
    const fresh = events.filter(({ seq }) => seq > lastSeq);
    if (fresh.length === 0) return;
    const bytes = Buffer.from(fresh.map((event) => `${JSON.stringify(event)}\n`).join(""));
    const before = this.tail;
    // Forgotten until the write is known to be whole: after a failure in its middle the end must be looked for again.
    this.tail = null;
    await handle.appendFile(bytes);
    await handle.datasync();
    this.tail = { size: before.size + bytes.length, lastSeq: fresh.at(-1)!.seq };
  }

  private async readFrom(handle: FileHandle, from: number): Promise<ServeEvent[]> {
    const { size } = await handle.stat();
    const start = from >= this.cursor.nextSeq && this.cursor.offset <= size ? this.cursor.offset : 0;
    const bytes = Buffer.alloc(size - start);
    await handle.read(bytes, 0, bytes.length, start);
    const whole = bytes.subarray(0, bytes.lastIndexOf("\n") + 1);
    const events: ServeEvent[] = [];
    let last = start === 0 ? -1 : this.cursor.nextSeq - 1;
    for (const line of whole.toString("utf8").split("\n")) {
      const event = parseEvent(line);
      // Not above the last one: written twice, by a writer that did not see the other.
      if (event === null || event.seq <= last) continue;
      last = event.seq;
      if (event.seq >= from) events.push(event);
    }
    this.cursor = { nextSeq: last + 1, offset: start + whole.length };
    return events;
  }
}

/** The end of the last whole line and its number, looked for from the back: logs get long. */
async function findTail(handle: FileHandle, size: number): Promise<{ size: number; lastSeq: number }> {
  let end = Buffer.alloc(0);
  for (let start = size; start > 0;) {
    const length = Math.min(CHUNK, start);
    start -= length;
    const chunk = Buffer.alloc(length);
    await handle.read(chunk, 0, length, start);
    end = Buffer.concat([chunk, end]);
    let stop = end.lastIndexOf("\n") + 1;
    while (stop > 0) {
      const begin = stop < 2 ? 0 : end.lastIndexOf("\n", stop - 2) + 1;
      // The line may begin in the chunk before.
      if (begin === 0 && start > 0) break;
      const event = parseEvent(end.toString("utf8", begin, stop));
      if (event !== null) return { size: start + stop, lastSeq: event.seq };
      stop = begin;
    }
  }
  return { size: 0, lastSeq: -1 };
}

function parseEvent(line: string): ServeEvent | null {
  if (line.trim() === "") return null;
  try {
    const event = JSON.parse(line) as ServeEvent;
    return Number.isInteger(event.seq) ? event : null;
  } catch {
    return null;
  }
}

import { matches, parseCron, type Cron, type LocalMinute } from "./cron";
import type { Schedule } from "./spec";
import { offsetMs } from "./time-zone";

const MINUTE_MS = 60_000;
/** Clocks are put forward or back at a full or a half hour, everywhere. */
const STEADY_MINUTES = 30;

/** The one of those in force that asks for the most; null: none is. */
export function scheduledNow(schedules: readonly Schedule[], now: number): Schedule | null {
  let most: Schedule | null = null;
  for (const schedule of schedules) {
    if ((most === null || schedule.min > most.min) && isInForce(schedule, now)) most = schedule;
  }
  return most;
}

/** Whether it began within its duration: looked for backwards, minute by minute, so that nothing has to be remembered. */
function isInForce({ cron, timeZone, durationSeconds }: Schedule, now: number): boolean {
  const parsed = parseCron(cron);
  if (parsed === null) return false;
  const newest = Math.floor(now / MINUTE_MS);
  const oldest = Math.floor((now - durationSeconds * 1000) / MINUTE_MS) + 1;
  for (let minute = newest; minute >= oldest;) {
    const first = Math.max(oldest, minute - (minute % STEADY_MINUTES));
    const offset = offsetMs(timeZone, minute * MINUTE_MS);
    for (; minute >= first; minute -= 1) if (matchesAt(parsed, minute * MINUTE_MS + offset)) return true;
  }
  return false;
}

function matchesAt(cron: Cron, local: number): boolean {
  const at = new Date(local);
  const reading: LocalMinute = {
    minute: at.getUTCMinutes(),
    hour: at.getUTCHours(),
    day: at.getUTCDate(),
    month: at.getUTCMonth() + 1,
    weekday: at.getUTCDay(),
  };
  return matches(cron, reading);
}

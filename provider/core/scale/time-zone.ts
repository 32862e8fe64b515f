/** Making one costs more than a thousand uses of it. */
const formats = new Map<string, Intl.DateTimeFormat>();

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** How far ahead of UTC the clocks of the zone are at that time, in milliseconds. */
export function offsetMs(timeZone: string, at: number): number {
  const found: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(at)) found[type] = Number(value);
  const { year, month, day, hour, minute, second } = found;
  const local = Date.UTC(year!, month! - 1, day, hour, minute, second);
  return local - Math.floor(at / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, made);
  return made;
}

/** The minutes that a cron expression of five fields names. */
export interface Cron {
  minute: ReadonlySet<number>;
  hour: ReadonlySet<number>;
  day: ReadonlySet<number>;
  month: ReadonlySet<number>;
  /** 0 is Sunday. */
  weekday: ReadonlySet<number>;
  /** Both days are restricted, so that either of them is enough: cron's own rule. */
  eitherDay: boolean;
}

/** A wall clock's reading. */
export interface LocalMinute {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Null: it is no cron expression. Lists, ranges, steps and the English names of months and weekdays are known. */
export function parseCron(expression: string): Cron | null {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minutes, hours, days, months, weekdays] = fields as [string, string, string, string, string];
  const minute = parseField(minutes, 0, 59);
  const hour = parseField(hours, 0, 23);
  const day = parseField(days, 1, 31);
  const month = parseField(named(months, MONTHS, 1), 1, 12);
  const weekday = parseField(named(weekdays, WEEKDAYS, 0), 0, 7);
  if (minute === null || hour === null || day === null || month === null || weekday === null) return null;
  const eitherDay = !days.startsWith("*") && !weekdays.startsWith("*");
  // Sunday has two numbers.
  return { minute, hour, day, month, weekday: new Set([...weekday].map((each) => each % 7)), eitherDay };
}

export function matches(cron: Cron, at: LocalMinute): boolean {
  if (!cron.minute.has(at.minute) || !cron.hour.has(at.hour) || !cron.month.has(at.month)) return false;
  const [day, weekday] = [cron.day.has(at.day), cron.weekday.has(at.weekday)];
  return cron.eitherDay ? day || weekday : day && weekday;
}

function named(field: string, names: readonly string[], first: number): string {
  return field.replace(/[a-z]+/gi, (name) => {
    const at = names.indexOf(name.toLowerCase());
    return at === -1 ? name : String(at + first);
  });
}

function parseField(field: string, least: number, most: number): Set<number> | null {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const found = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (found === null) return null;
    const [, first, last, every] = found;
    const from = first === undefined ? least : Number(first);
    // "5/10" goes on from 5 to the end, as in most crons.
    const to = last !== undefined ? Number(last) : first === undefined || every !== undefined ? most : from;
    const step = every === undefined ? 1 : Number(every);
    if (from < least || to > most || from > to || step === 0) return null;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

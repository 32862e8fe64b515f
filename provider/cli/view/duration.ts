const UNITS = [
  { name: "d", long: "day", seconds: 86_400 },
  { name: "h", long: "hour", seconds: 3_600 },
  { name: "m", long: "min", seconds: 60 },
  { name: "s", long: "sec", seconds: 1 },
] as const;

/** Two largest units: "1m 41s", "2h 5m". */
export function duration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const unit of UNITS) {
    const count = Math.floor(rest / unit.seconds);
    rest %= unit.seconds;
    if (count > 0 || (unit.name === "s" && parts.length === 0)) parts.push(`${count}${unit.name}`);
  }
  return parts.slice(0, 2).join(" ");
}

/** Largest unit alone: "2 mins ago". */
export function ago(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const unit = UNITS.find((candidate) => whole >= candidate.seconds) ?? UNITS[3];
  const count = Math.floor(whole / unit.seconds);
  return `${count} ${unit.long}${count === 1 ? "" : "s"} ago`;
}

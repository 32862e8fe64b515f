/**
 * Where Pulumi's engine listens: the last argument of the dynamic-provider process, after any flags. Null in any other
 * process, such as a script that imports this package for its planning.
 */
export function engineAddress(): { host: string; port: number } | null {
  if (!process.argv[1]?.includes("dynamic-provider")) return null;
  const match = /^(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})$/.exec(process.argv.at(-1) ?? "");
  return match === null ? null : { host: match[1]!.replace(/[[\]]/g, ""), port: Number(match[2]) };
}

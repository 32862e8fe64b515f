/** The first `x.y.z` in a program's own words, such as "v3.259.0-dev"; null: none in there. */
export function versionIn(text: string): string | null {
  return /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

export function isAtLeast(version: string, oldest: string): boolean {
  const [actual, wanted] = [version, oldest].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < wanted.length; i++) {
    const difference = (actual[i] ?? 0) - (wanted[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

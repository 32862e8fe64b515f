/** The greatest whole number that divides both; of nothing and a number, the number. */
export function commonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

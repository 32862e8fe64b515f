/** Milliseconds since 1970. The only way to the time outside the edges. */
export interface Clock {
  now(): number;
}

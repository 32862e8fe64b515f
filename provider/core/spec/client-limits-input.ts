import { closed, field, seconds, whole } from "./field";

const DAY = 86_400;

/** How long clients may take, and how many there may be. What is left out has its default in the data plane. */
export const clientLimitsInput = closed({
  headSeconds: field(seconds(1, 3600).optional()),
  bodySeconds: field(seconds(1, 7 * DAY).optional()),
  idleSeconds: field(seconds(1, DAY).optional()),
  stalledSeconds: field(seconds(1, DAY).optional()),
  maxConnections: field(whole(1, 1_000_000).optional()),
});

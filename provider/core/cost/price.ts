import type { Shape } from "../spec/shape";

/** What one VM of a market costs in a zone: the candidate's price as the cloud says it. */
export interface Price {
  zone: string;
  market: "onDemand" | "spot";
  dollarsPerHour: number;
  /** Of machines of this shape. Absent: of those without accelerators, and where a zone tells none apart, of any. */
  shape?: string;
}

/** What a machine of this shape costs; a zone that has none of it is left out. */
export function pricesFor(prices: readonly Price[], shape: Shape): readonly Price[] {
  if (!tellShapesApart(prices)) return prices;
  const telling = new Set(prices.filter((price) => price.shape !== undefined).map(({ zone }) => zone));
  return prices.filter((price) => (price.shape ?? null) === (telling.has(price.zone) ? shape : null));
}

export function tellShapesApart(prices: readonly Price[]): boolean {
  return prices.some(({ shape }) => shape !== undefined);
}

/** Of machines of any of these shapes. */
export function pricesForAny(prices: readonly Price[], shapes: readonly Shape[]): readonly Price[] {
  if (!tellShapesApart(prices)) return prices;
  return [...new Set(shapes.flatMap((shape) => pricesFor(prices, shape)))];
}

/** Null: the market is not offered there, or its price is not known. */
export function priceOf(prices: readonly Price[], zone: string, market: Price["market"]): number | null {
  return prices.find((price) => price.zone === zone && price.market === market)?.dollarsPerHour ?? null;
}

/** Replicas are spread over the zones, so in the long run one costs the mean. Null: no zone has a price. */
export function meanPrice(prices: readonly Price[], market: Price["market"]): number | null {
  const found = dollarsIn(prices, market);
  return found.length === 0 ? null : found.reduce((sum, each) => sum + each, 0) / found.length;
}

/** Null: no zone has a price. */
export function cheapestPrice(prices: readonly Price[], market: Price["market"]): number | null {
  const found = dollarsIn(prices, market);
  return found.length === 0 ? null : Math.min(...found);
}

function dollarsIn(prices: readonly Price[], market: Price["market"]): number[] {
  return prices.filter((price) => price.market === market).map(({ dollarsPerHour }) => dollarsPerHour);
}

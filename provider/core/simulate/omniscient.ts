import type { Setting } from "./run";
import { MinCostFlow } from "./min-cost-flow";

/**
 * The least that any policy can pay that has `wanted` replicas ready at every moment after the first cold start, with the
 * whole trace known. Every replica is a unit of flow through time: in each tick it stands in one zone (of which there
 * are as many as the trace says), on on-demand, or, where fewer are wanted, nowhere. A tick costs its price; a change
 * of place costs the new place's cold start, which must be paid before it serves.
 *
 * A true lower bound: within a tick any schedule can be replaced by its cheapest moment without starting more, so
 * ticks lose nothing; a VM that boots takes no place in its zone here; and a cold start longer than a tick counts as one
 * tick (keeping a VM idle is then never cheaper than starting it again, which the flow could not say).
 */
export function omniscientCost({ traces, wanted, prices, coldStartSeconds }: Setting): number {
  const most = Math.max(...wanted);
  const start = Math.min(coldStartSeconds, traces.gapSeconds) / 3600;
  const run = traces.gapSeconds / 3600;
  const places = [
    ...traces.zones.map(({ capacity }) => ({ price: prices.spot, room: (tick: number) => capacity[tick]! })),
    { price: prices.onDemand, room: () => most },
    { price: 0, room: (tick: number) => most - wanted[tick]! },
  ];
  // Per tick one hub, where changes of place meet, and for each place the node in which it is entered and left.
  const perTick = 1 + 2 * places.length;
  const flow = new MinCostFlow(traces.ticks * perTick + 1);
  const sink = traces.ticks * perTick;
  for (let tick = 0; tick < traces.ticks; tick += 1) {
    const hub = tick * perTick;
    const next = tick + 1 === traces.ticks ? sink : hub + perTick;
    places.forEach(({ price, room }, place) => {
      const enter = hub + 1 + 2 * place;
      const leave = enter + 1;
      const capacity = Math.min(most, room(tick));
      if (capacity > 0) flow.edge(enter, leave, capacity, price * run);
      // The first cold start lies in the first tick, which is paid for as a whole.
      flow.edge(hub, enter, most, tick === 0 ? 0 : price * start);
      flow.edge(leave, next, most, 0);
      if (next !== sink) flow.edge(leave, enter + perTick, most, 0);
    });
  }
  return flow.cost(0, sink, most);
}

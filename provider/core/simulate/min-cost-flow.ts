/** Successive shortest paths (Dijkstra with potentials) in a network without negative costs whose edges go upwards. */
export class MinCostFlow {
  private readonly heads: number[][];
  private readonly to: number[] = [];
  private readonly room: number[] = [];
  private readonly price: number[] = [];

  constructor(private readonly nodes: number) {
    this.heads = Array.from({ length: nodes }, () => []);
  }

  edge(from: number, to: number, capacity: number, cost: number): void {
    this.heads[from]!.push(this.to.length);
    this.to.push(to);
    this.room.push(capacity);
    this.price.push(cost);
    this.heads[to]!.push(this.to.length);
    this.to.push(from);
    this.room.push(0);
    this.price.push(-cost);
  }

  /** Cost of sending so many units; Infinity where they do not fit. */
  cost(source: number, sink: number, units: number): number {
    const potential = new Float64Array(this.nodes);
    let sent = 0;
    let total = 0;
    while (sent < units) {
      const { distance, by } = this.shortest(source, potential);
      if (distance[sink] === Infinity) return Infinity;
      for (let node = 0; node < this.nodes; node += 1) potential[node]! += Math.min(distance[node]!, distance[sink]!);
      let push = units - sent;
      for (let node = sink; node !== source; node = this.to[by[node]! ^ 1]!)
        push = Math.min(push, this.room[by[node]!]!);
      for (let node = sink; node !== source; node = this.to[by[node]! ^ 1]!) {
        this.room[by[node]!]! -= push;
        this.room[by[node]! ^ 1]! += push;
        total += push * this.price[by[node]!]!;
      }
      sent += push;
    }
    return total;
  }

  private shortest(source: number, potential: Float64Array): { distance: Float64Array; by: Int32Array } {
    const distance = new Float64Array(this.nodes).fill(Infinity);
    const by = new Int32Array(this.nodes).fill(-1);
    const done = new Uint8Array(this.nodes);
    const heap = new Heap();
    distance[source] = 0;
    heap.push(0, source);
    for (let node = heap.pop(); node !== null; node = heap.pop()) {
      if (done[node] === 1) continue;
      done[node] = 1;
      for (const edge of this.heads[node]!) {
        if (this.room[edge]! <= 0) continue;
        const next = this.to[edge]!;
        // Rounding must not make a reduced cost negative.
        const step = Math.max(0, this.price[edge]! + potential[node]! - potential[next]!);
        if (distance[node]! + step < distance[next]!) {
          distance[next] = distance[node]! + step;
          by[next] = edge;
          heap.push(distance[next], next);
        }
      }
    }
    return { distance, by };
  }
}

class Heap {
  private readonly keys: number[] = [];
  private readonly nodes: number[] = [];

  push(key: number, node: number): void {
    let at = this.keys.length;
    this.keys.push(key);
    this.nodes.push(node);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.keys[parent]! <= key) break;
      this.move(parent, at);
      at = parent;
    }
    this.keys[at] = key;
    this.nodes[at] = node;
  }

  pop(): number | null {
    const first = this.nodes[0];
    if (first === undefined) return null;
    const key = this.keys.pop()!;
    const node = this.nodes.pop()!;
    const size = this.keys.length;
    if (size === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.keys[child + 1]! < this.keys[child]!) child += 1;
      if (this.keys[child]! >= key) break;
      this.move(child, at);
      at = child;
    }
    this.keys[at] = key;
    this.nodes[at] = node;
    return first;
  }

  private move(from: number, to: number): void {
    this.keys[to] = this.keys[from]!;
    this.nodes[to] = this.nodes[from]!;
  }
}

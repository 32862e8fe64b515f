/** Virtual time: what is due happens in order, each thing to its end, and the time between costs nothing. */
export class Timeline {
  /** Milliseconds since the world began. It never jumps; what a computer's clock shows may. */
  now = 0;
  private readonly heap: { at: number; order: number; happen: () => void }[] = [];
  private order = 0;

  in(milliseconds: number, happen: () => void): void {
    this.push({ at: this.now + Math.max(0, milliseconds), order: this.order++, happen });
  }

  async sleep(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await new Promise<void>((resolve) => this.in(milliseconds, resolve));
  }

  /** Lets the next thing happen, with all that follows from it at once. False: nothing will ever happen again. */
  async step(): Promise<boolean> {
    // What was begun before the first step may still have to put something on the timeline.
    const next = this.pop() ?? (await consequences(), this.pop());
    if (next === undefined) return false;
    this.now = next.at;
    next.happen();
    await consequences();
    return true;
  }

  private push(entry: (typeof this.heap)[number]): void {
    const { heap } = this;
    let child = heap.push(entry) - 1;
    for (let parent = (child - 1) >> 1; child > 0 && isBefore(heap[child]!, heap[parent]!); parent = (child - 1) >> 1) {
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  private pop(): (typeof this.heap)[number] | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === parent) return first;
      [heap[parent], heap[least]] = [heap[least]!, heap[parent]!];
      parent = least;
    }
  }
}

/** Promises that are settled go on before this does. */
function consequences(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

import type { WorkloadName } from "./contender";
import type { Slice } from "./slice";

type Figure = Exclude<keyof Slice, "failed" | "disturbed">;

/** The slices of each contender, in the order of the rounds. */
export class Measured {
  readonly leftOut: Record<string, string> = {};
  /** Who asked, and who answered. */
  readonly madeOf: Partial<Record<WorkloadName, { clients: string; backends: string }>> = {};
  private readonly slices = new Map<WorkloadName, Map<string, Slice[]>>();

  leaveOut(name: string, why: string): void {
    this.leftOut[name] = why;
    process.stderr.write(`${name} is left out: ${why}\n`);
  }

  madeBy(workload: WorkloadName, made: { clients: string; backends: string }): void {
    this.madeOf[workload] = made;
  }

  add(workload: WorkloadName, name: string, slice: Slice): void {
    const contenders = this.slices.get(workload) ?? new Map<string, Slice[]>();
    this.slices.set(workload, contenders);
    contenders.set(name, [...(contenders.get(name) ?? []), slice]);
  }

  contenders(workload: WorkloadName): string[] {
    return [...(this.slices.get(workload)?.keys() ?? [])];
  }

  median(workload: WorkloadName, name: string, figure: Figure): number | null {
    return medianOf(this.of(workload, name).map((slice) => slice[figure]));
  }

  /** Ours to theirs, of slices that ran next to each other: on a busy computer the rounds differ by more than the contenders do. */
  ratio(workload: WorkloadName, other: string, figure: Figure): number | null {
    const ours = this.of(workload, "embedded");
    const theirs = this.of(workload, other);
    return medianOf(
      theirs.map((slice, round) => {
        const [our, their] = [ours[round]?.[figure] ?? null, slice[figure]];
        return our === null || their === null || their === 0 ? null : our / their;
      }),
    );
  }

  failed(workload: WorkloadName, name: string): number {
    return this.of(workload, name).reduce((sum, slice) => sum + slice.failed, 0);
  }

  /** Slices that others disturbed, however often they were repeated. */
  disturbed(): number {
    const all = [...this.slices.values()].flatMap((contenders) => [...contenders.values()].flat());
    return all.filter((slice) => slice.disturbed).length;
  }

  private of(workload: WorkloadName, name: string): readonly Slice[] {
    return this.slices.get(workload)?.get(name) ?? [];
  }
}

function medianOf(values: readonly (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** Durations in whole microseconds, counted by value: quantiles of all of them are exact. */

export class Durations {
  total = 0;
  private readonly counts = new Map<number, number>();

  add(us: number): void {
    this.counts.set(us, (this.counts.get(us) ?? 0) + 1);
    this.total++;
  }

  /** Of an even number, the mean of the middle two. Null: there is none. */
  median(): number | null {
    if (this.total === 0) return null;
    const sorted = this.sorted();
    const lower = nth(sorted, Math.floor((this.total - 1) / 2));
    const upper = nth(sorted, Math.floor(this.total / 2));
    return (lower + upper) / 2;
  }

  /** For each share, 0 to 1, the least duration that this share of all does not exceed. */
  quantiles(...shares: number[]): (number | null)[] {
    if (this.total === 0) return shares.map(() => null);
    const sorted = this.sorted();
    return shares.map((share) => nth(sorted, Math.max(0, Math.ceil(share * this.total) - 1)));
  }

  private sorted(): (readonly [value: number, count: number])[] {
    return [...this.counts].sort(([a], [b]) => a - b);
  }
}

/** The value at position `n`, from 0, of the sorted multiset. */
function nth(sorted: readonly (readonly [value: number, count: number])[], n: number): number {
  let before = 0;
  for (const [value, count] of sorted) {
    before += count;
    if (n < before) return value;
  }
  return Number.NaN;
}

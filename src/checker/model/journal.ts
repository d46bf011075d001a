/** An Int32Array whose changes can be undone back to a mark. */
export class Journal {
  private readonly values: Int32Array;
  private entries: Int32Array = new Int32Array(1 << 16);
  private length = 0;

  constructor(words: number) {
    this.values = new Int32Array(words);
  }

  get(index: number): number {
    return this.values[index] as number;
  }

  set(index: number, value: number): void {
    if (this.length + 2 > this.entries.length) this.grow();
    this.entries[this.length] = index;
    this.entries[this.length + 1] = this.values[index] as number;
    this.length += 2;
    this.values[index] = value;
  }

  private grow(): void {
    const entries = new Int32Array(this.entries.length * 2);
    entries.set(this.entries);
    this.entries = entries;
  }

  mark(): number {
    return this.length;
  }

  restore(mark: number): void {
    const { values, entries } = this;
    for (let i = this.length - 2; i >= mark; i -= 2) {
      values[entries[i] as number] = entries[i + 1] as number;
    }
    this.length = mark;
  }

  /** What was done so far can't be undone any more. */
  forget(): void {
    this.length = 0;
  }
}

/** A page supply as a plain map: which blocks are out, and what could be handed out. */
export class Bitmap {
  /** Order of each block that is out, by its first page. */
  readonly out: Map<number, number> = new Map();
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get free(): number {
    return this.limit - [...this.out.values()].reduce((sum, order) => sum + 2 ** order, 0);
  }

  /** Whether a block may be handed out: aligned, below the limit, apart from all that are out. */
  isFree(pfn: number, order: number): boolean {
    if (pfn % 2 ** order !== 0 || pfn + 2 ** order > this.limit) return false;
    return [...this.out].every(
      ([other, size]) => other + 2 ** size <= pfn || pfn + 2 ** order <= other,
    );
  }

  hasFree(order: number): boolean {
    for (let pfn = 0; pfn < this.limit; pfn += 2 ** order) if (this.isFree(pfn, order)) return true;
    return false;
  }
}

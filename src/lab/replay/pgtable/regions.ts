/**
 * What Linux would call the VMAs of an mm, as far as a recording tells: which pages were mapped by
 * mmap, with what rights, and whether something was ever written there.
 *
 * Two decisions of Linux need them (6.1). Fork copies only what has pages of its own: a mapping
 * that was never written is left to the child's faults (vma_needs_copy, mm/memory.c). And mremap
 * that can't grow a mapping where it is moves it to the highest gap below the mmap base that is
 * large enough (vm_unmapped_area, mm/mmap.c). Neighbours that are alike become one mapping, and
 * what was written in one of them was then written in it.
 *
 * Mappings that exec makes (text, data, heap, stack) are in no recording: pages outside of all
 * regions are known to be mapped, and no more.
 */

/** Pages from `begin` to before `end`. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

interface Region extends Range {
  readonly prot: number;
  readonly flags: number;
  readonly written: boolean;
}

export class Regions {
  /** By address, none overlapping another. */
  private list: readonly Region[];
  /** The end of what the first mmap gave, which was put below the base; 0: none was seen. */
  private top: number;

  constructor(list: readonly Region[] = [], top = 0) {
    this.list = list;
    this.top = top;
  }

  /** What a forked child begins with. */
  copy(): Regions {
    return new Regions(this.list, this.top);
  }

  add(begin: number, end: number, prot: number, flags: number, written = false): void {
    if (this.top === 0) this.top = end;
    this.remove(begin, end);
    let merged: Region = { begin, end, prot, flags, written };
    const others = this.list.filter((other) => {
      const touches = other.end === merged.begin || other.begin === merged.end;
      if (!touches || other.prot !== prot || other.flags !== flags) return true;
      merged = {
        ...merged,
        begin: Math.min(other.begin, merged.begin),
        end: Math.max(other.end, merged.end),
        written: other.written || merged.written,
      };
      return false;
    });
    this.list = [...others, merged].sort((one, other) => one.begin - other.begin);
  }

  remove(begin: number, end: number): void {
    this.list = this.list.flatMap((region) => {
      if (region.end <= begin || region.begin >= end) return [region];
      const before = { ...region, end: Math.min(region.end, begin) };
      const after = { ...region, begin: Math.max(region.begin, end) };
      return [before, after].filter((part) => part.begin < part.end);
    });
  }

  protect(begin: number, end: number, prot: number): void {
    for (const region of this.list) {
      if (region.end <= begin || region.begin >= end) continue;
      const [from, to] = [Math.max(region.begin, begin), Math.min(region.end, end)];
      this.add(from, to, prot, region.flags, region.written);
    }
  }

  write(page: number): void {
    const region = this.at(page);
    if (region === undefined || region.written) return;
    this.list = this.list.map((each) => (each === region ? { ...each, written: true } : each));
  }

  at(page: number): Region | undefined {
    return this.list.find(({ begin, end }) => begin <= page && page < end);
  }

  /** What a fork does not copy. */
  unwritten(): Range[] {
    return this.list.filter(({ written }) => !written);
  }

  /** Whether some region has a page of a range; with `written`, one of those. */
  meets({ begin, end }: Range, written = false): boolean {
    return this.list.some(
      (each) => each.begin < end && each.end > begin && (each.written || !written),
    );
  }

  /** Whether the pages between a mapping's end and a later one are free for it to grow into. */
  hasRoom(end: number, newEnd: number): boolean {
    return newEnd <= this.top && !this.list.some((each) => each.begin < newEnd && each.end > end);
  }

  /** Where so many pages are put that may lie anywhere; null: nothing is known of this mm. */
  place(pages: number): number | null {
    if (this.top === 0) return null;
    let below = this.top;
    for (const region of [...this.list].reverse()) {
      if (region.begin >= below) continue;
      if (region.end + pages <= below) break;
      below = region.begin;
    }
    return below - pages;
  }
}

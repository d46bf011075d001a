/**
 * The mapped ranges of an address space: sorted, without overlaps.
 *
 * What Linux calls VMAs, as far as they decide over tables: a table lives while any of them reaches
 * into its span. Neighbours that say the same are one, so memory is bounded by what is mapped.
 */

/** A file as one mapping call after the other lays it out. Its path may be learnt later. */
export interface Image {
  path: string | null;
}

export interface Area {
  readonly from: number;
  readonly to: number;
  /** Whether a fork copies its tables: private, and written to or anonymous. */
  readonly copied: boolean;
  /** Whether it is only kept free until a part is made accessible: PROT_NONE, MAP_NORESERVE. */
  readonly idle: boolean;
  readonly image: Image | null;
  /** Where in the file it begins. */
  readonly offset: number;
}

export class Areas {
  private list: Area[] = [];

  /** Adds a range that is free, or has been made so by `remove`. */
  insert(area: Area): void {
    const at = this.firstEndingAfter(area.from);
    const before = this.list[at - 1];
    if (before !== undefined && joins(before, area)) {
      this.list[at - 1] = { ...before, to: area.to };
    } else this.list.splice(at, 0, area);
  }

  /** Takes a range out, cutting what reaches over its borders. */
  remove(from: number, to: number): void {
    const first = this.firstEndingAfter(from);
    const left: Area[] = [];
    let end = first;
    for (; end < this.list.length; end++) {
      const area = this.list[end] as Area;
      if (area.from >= to) break;
      if (area.from < from) left.push({ ...area, to: from });
      if (area.to > to) left.push({ ...area, from: to, offset: area.offset + (to - area.from) });
    }
    if (end > first) this.list.splice(first, end - first, ...left);
  }

  /** Says something else of what is mapped in a range. */
  change(from: number, to: number, said: Partial<Pick<Area, 'idle'>>): void {
    const parts = [...this.within(from, to)];
    this.remove(from, to);
    for (const part of parts) this.insert({ ...part, ...said });
  }

  /** Whether anything of the range is mapped. */
  overlaps(from: number, to: number): boolean {
    const area = this.list[this.firstEndingAfter(from)];
    return area !== undefined && area.from < to;
  }

  /** The part of each area that lies in the range, in order. */
  *within(from: number, to: number): Generator<Area> {
    for (let at = this.firstEndingAfter(from); at < this.list.length; at++) {
      const area = this.list[at] as Area;
      if (area.from >= to) return;
      yield area.from < from || area.to > to ? clip(area, from, to) : area;
    }
  }

  has(address: number): boolean {
    return this.overlaps(address, address + 1);
  }

  copy(): Areas {
    const areas = new Areas();
    areas.list = [...this.list];
    return areas;
  }

  [Symbol.iterator](): Iterator<Area> {
    return this.list[Symbol.iterator]();
  }

  private firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.list[middle] as Area).to > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function clip(area: Area, from: number, to: number): Area {
  const start = Math.max(area.from, from);
  const offset = area.offset + (start - area.from);
  return { ...area, from: start, to: Math.min(area.to, to), offset };
}

/** Whether the second only goes on where the first ends. Parts of files stay apart. */
function joins(a: Area, b: Area): boolean {
  const isAlike = a.copied === b.copied && a.idle === b.idle;
  return a.to === b.from && isAlike && a.image === null && b.image === null;
}

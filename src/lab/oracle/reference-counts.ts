/**
 * The references of pages as powerpc counts them. It tells a count when it has changed, outside the
 * lock, so some stand in swapped order: these are listed, and nothing else depends on them.
 */
import { hex } from './judgements.js';

/** A count of references that is not the one that its place in the order asks for. */
export interface SwappedCount {
  readonly line: number;
  readonly page: string;
  readonly count: number;
  readonly expected: number;
}

export class ReferenceCounts {
  readonly swapped: SwappedCount[] = [];
  /** By its records. */
  private readonly counts = new Map<number, number>();
  /** What an exit takes from a page: the fragments that its mm never handed out. */
  private readonly rests = new Map<number, number>();

  taken(page: number, usable: number): void {
    this.counts.set(page, usable);
  }

  exits(page: number, rest: number): void {
    this.rests.set(page, rest);
  }

  released(page: number): void {
    this.rests.delete(page);
  }

  /** A count is told, after a table left the page. */
  told(line: number, page: number, count: number): void {
    this.compare(line, page, count, 1);
  }

  /** The same, after the rest left it at an exit. */
  toldOfRest(line: number, page: number, count: number): void {
    this.compare(line, page, count, this.rests.get(page) ?? 0);
  }

  private compare(line: number, page: number, count: number, left: number): void {
    const expected = (this.counts.get(page) ?? 0) - left;
    this.counts.set(page, expected);
    if (count !== expected) this.swapped.push({ line, page: hex(page), count, expected });
  }
}

/** What an address space must be, page by page, beside the real one: for random histories. */

import type { AttachedThread } from 'ptfrag';
import { type AddressSpace, frameOf, NOT_MAPPED, PROT, protOf, type Tlb } from 'ptfrag/pgtable';
import { expect } from 'vitest';

interface Page {
  readonly frame: number;
  readonly prot: number;
}

/** The facts of a format that histories are made with. */
export interface Shape {
  /** Pages of one table of the lowest level: those of a large page. */
  readonly span: number;
  /** First pages of spans that are used; the last may be beyond what one number can be. */
  readonly zones: readonly bigint[];
}

const ALLOWS = PROT.read | PROT.write | PROT.exec;

/** A space, and the same as a map from pages to frames. */
export class Pages {
  readonly space: AddressSpace;
  private readonly thread: AttachedThread;
  private readonly shape: Shape;
  private readonly tlb: Tlb;
  private readonly pages: Map<bigint, Page>;
  /** First pages of what is mapped as one. */
  private readonly large: Set<bigint>;

  constructor(thread: AttachedThread, shape: Shape, tlb: Tlb, space: AddressSpace, from?: Pages) {
    this.thread = thread;
    this.shape = shape;
    this.tlb = tlb;
    this.space = space;
    this.pages = new Map(from?.pages);
    this.large = new Set(from?.large);
  }

  /** In small addresses a number, at random: both must be understood. */
  private va(page: bigint): number | bigint {
    const va = page * BigInt(this.space.pageBytes);
    return va < 2n ** 53n && page % 2n === 0n ? Number(va) : va;
  }

  private range(page: bigint, count: number): bigint[] {
    return Array.from({ length: count }, (_, i) => page + BigInt(i));
  }

  private firstOf(page: bigint): bigint {
    return page - (page % BigInt(this.shape.span));
  }

  map(page: bigint, count: number, frame: number, prot: number): void {
    const { space } = this;
    const taken = this.range(page, count).some((each) => this.pages.has(each));
    const tables = this.thread.tablesOf(space.mm);
    const map = (): void =>
      space.mapRange(this.va(page), count * space.pageBytes, frame * space.pageBytes, prot);
    if (taken) {
      expect(map).toThrow(expect.objectContaining({ code: 'already-mapped' }));
      expect(this.thread.tablesOf(space.mm)).toBe(tables);
      return;
    }
    map();
    this.range(page, count).forEach((each, i) => {
      this.pages.set(each, { frame: frame + i, prot });
    });
  }

  mapPage(page: bigint, frame: number, prot: number): void {
    const { space } = this;
    const done = space.mapPage(this.va(page), frame * space.pageBytes, prot);
    expect(done).toBe(!this.pages.has(page));
    if (done) this.pages.set(page, { frame, prot });
  }

  unmap(page: bigint, count: number): void {
    const range = this.range(page, count);
    const mapped = range.filter((each) => this.pages.has(each));
    const { space } = this;
    expect(space.unmapRange(this.va(page), count * space.pageBytes)).toBe(mapped.length);
    this.splitEdges(page, count);
    for (const each of mapped) this.pages.delete(each);
    for (const each of range) this.large.delete(each);
  }

  protect(page: bigint, count: number, prot: number): void {
    const { space } = this;
    const mapped = this.range(page, count).filter((each) => this.pages.has(each));
    expect(space.protect(this.va(page), count * space.pageBytes, prot)).toBe(mapped.length);
    this.splitEdges(page, count);
    for (const each of mapped) {
      const { frame, prot: before } = this.pages.get(each) as Page;
      this.pages.set(each, { frame, prot: (prot & ALLOWS) | (before & ~ALLOWS) });
    }
  }

  private splitEdges(page: bigint, count: number): void {
    if (count === 0) return;
    const end = page + BigInt(count);
    for (const edge of [page, end - 1n].map((each) => this.firstOf(each))) {
      if (edge < page || edge + BigInt(this.shape.span) > end) this.large.delete(edge);
    }
  }

  collapse(page: bigint, frame: number, prot: number): void {
    const first = this.firstOf(page);
    const range = this.range(first, this.shape.span);
    const base = frame - (frame % this.shape.span);
    const { space } = this;
    const done = space.collapse(this.va(first), base * space.pageBytes, prot);
    // A table is there exactly if one of its pages is mapped: empty ones are taken out.
    const wanted = !this.large.has(first) && range.some((each) => this.pages.has(each));
    expect(done).toBe(wanted);
    if (!done) return;
    this.large.add(first);
    range.forEach((each, i) => {
      this.pages.set(each, { frame: base + i, prot });
    });
  }

  split(page: bigint): void {
    expect(this.space.split(this.va(page))).toBe(this.large.delete(this.firstOf(page)));
  }

  fork(): Pages {
    for (const [page, { frame, prot }] of this.pages) {
      this.pages.set(page, { frame, prot: prot & ~PROT.write });
    }
    return new Pages(this.thread, this.shape, this.tlb, this.space.fork(), this);
  }

  /** Every page is found as it must be, by a walk and by way of the TLB, and the tree is whole. */
  verify(): void {
    const { space, thread, shape } = this;
    const wrong: string[] = [];
    thread.readLock();
    for (const zone of shape.zones) {
      for (const page of this.range(zone, 2 * shape.span)) {
        const va = this.va(page);
        const wanted = this.pages.get(page);
        const says = wanted === undefined ? 'nothing' : `${wanted.frame} ${wanted.prot}`;
        for (const found of [space.walk(va), space.walkCached(this.tlb, va)]) {
          const got = found === NOT_MAPPED ? 'nothing' : `${frameOf(found)} ${protOf(found)}`;
          if (got !== says) wrong.push(`page ${page}: ${got}, not ${says}`);
        }
      }
    }
    thread.readUnlock();
    expect(wrong).toEqual([]);
    expect(space.check()).toEqual([]);
    if (this.pages.size === 0) expect(thread.tablesOf(space.mm)).toBeLessThanOrEqual(5);
  }
}

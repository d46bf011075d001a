/**
 * The protocol of pages and mms over plain arrays: what the core must do, step by step. It has no
 * queues and no locks; it is told when the core runs a callback and says whether that may be.
 */
import type { GracePeriod, MmId } from '#src/core/base/units.js';
import type { HeapKind } from '#src/core/mem/heap.js';
import { isBefore, successor } from '#src/core/rcu/grace-period.js';

export interface ModelPage {
  readonly kind: number;
  readonly owner: number;
  /** One letter a fragment. */
  readonly states: string[];
  /** The fragment with the list node; -1: on no list. */
  holder: number;
  /** What its callback waits for; 0: nothing. */
  waits: GracePeriod | 0;
}

export interface Place {
  readonly pfn: number;
  readonly index: number;
}

export class Model {
  readonly pages: Map<number, ModelPage> = new Map();
  /** Live mms: their tables. */
  readonly live: Map<MmId, number> = new Map();
  /** Destroyed mms: the grace period that their record waits for. */
  readonly dying: Map<MmId, GracePeriod> = new Map();
  private readonly lists = new Map<string, number[]>();
  private readonly kinds: readonly HeapKind[];
  private readonly sharedOwner: boolean;

  constructor(kinds: readonly HeapKind[], sharedOwner: boolean) {
    this.kinds = kinds;
    this.sharedOwner = sharedOwner;
  }

  ownerOf(mm: MmId): number {
    return this.sharedOwner ? 0 : mm;
  }

  /** Pages on a list of partial pages, the head first. */
  list(owner: number, kind: number): number[] {
    const key = `${owner}/${kind}`;
    const list = this.lists.get(key) ?? [];
    this.lists.set(key, list);
    return list;
  }

  /** Where the next table comes from: a listed page, or null for a fresh one. */
  nextPlace(mm: MmId, kind: number): Place | null {
    const [pfn] = this.list(this.ownerOf(mm), kind);
    if (pfn === undefined) return null;
    const { states, holder } = this.pageOf(pfn);
    const other = states.findIndex((state, i) => state === 'F' && i !== holder);
    return { pfn, index: other === -1 ? holder : other };
  }

  /** A table was handed out at `place`. */
  alloc(mm: MmId, kind: number, place: Place): void {
    this.count(mm, 1);
    const owner = this.ownerOf(mm);
    const page = this.pages.get(place.pfn) ?? this.addPage(place.pfn, kind, owner);
    page.states[place.index] = 'A';
    if (page.holder === place.index) this.unlist(place.pfn, page);
  }

  private addPage(pfn: number, kind: number, owner: number): ModelPage {
    const perPage = this.kinds[kind]?.perPage ?? 0;
    const page: ModelPage = {
      kind,
      owner,
      states: Array<string>(perPage).fill('F'),
      holder: perPage > 1 ? 1 : -1,
      waits: 0,
    };
    this.pages.set(pfn, page);
    if (page.holder !== -1) this.list(owner, kind).unshift(pfn);
    return page;
  }

  /** A table is freed while `started` is the latest grace period that has begun. */
  free(mm: MmId, place: Place, started: GracePeriod): void {
    this.count(mm, -1);
    const page = this.pageOf(place.pfn);
    const joins = page.waits === 0 || isBefore(started, page.waits);
    if (page.waits === 0) page.waits = successor(started);
    page.states[place.index] = joins ? 'C' : 'N';
    if (!page.states.includes('A') && page.holder !== -1) this.unlist(place.pfn, page);
  }

  /** The callback of a page runs. Returns whether the page goes back to the supply. */
  ripen(pfn: number, started: GracePeriod): boolean {
    const page = this.pageOf(pfn);
    page.states.forEach((state, i) => {
      if (state === 'C') page.states[i] = 'F';
      if (state === 'N') page.states[i] = 'C';
    });
    if (page.states.every((state) => state === 'F')) {
      this.pages.delete(pfn);
      return true;
    }
    if (page.holder === -1 && page.states.includes('A') && page.states.includes('F')) {
      page.holder = page.states.indexOf('F');
      this.list(page.owner, page.kind).unshift(pfn);
    }
    page.waits = page.states.includes('C') ? successor(started) : 0;
    return false;
  }

  pageOf(pfn: number): ModelPage {
    const page = this.pages.get(pfn);
    if (page === undefined) throw new Error(`the model has no page ${pfn}`);
    return page;
  }

  private unlist(pfn: number, page: ModelPage): void {
    const list = this.list(page.owner, page.kind);
    list.splice(list.indexOf(pfn), 1);
    page.holder = -1;
  }

  private count(mm: MmId, change: number): void {
    this.live.set(mm, (this.live.get(mm) ?? 0) + change);
  }
}

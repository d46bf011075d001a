/**
 * A heap and its model, driven by one history: each step is done on both, and both must agree.
 * Besides, every table that was freed is watched: nobody writes it while a reader of before is
 * inside (P2), and it is not handed out before a grace period is over that began after (P1).
 */
import { expect } from 'vitest';
import type { FragIndex, GracePeriod, KindId, MmId, Pfn, Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { checkHeap } from '#src/core/frag/check.js';
import { fillEmpty } from '#src/core/frag/contents.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, partialList, tablesOf } from '#src/core/frag/mm.js';
import { formatPage, nodeAt } from '#src/core/frag/ptdesc.js';
import {
  type Heap,
  type HeapKind,
  headerWord,
  mmOfRecord,
  mmRecord,
  pageAddress,
  pfnOfAddress,
  pfnOfPtdesc,
  ptdescOf,
  type Thread,
} from '#src/core/mem/heap.js';
import { HEAP, MM, PTDESC } from '#src/core/mem/layout.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { type CallbackTable, poll, pollAll } from '#src/core/rcu/callback.js';
import { graceStarted, isBefore } from '#src/core/rcu/grace-period.js';
import { quiescent, rcuOffline, rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { Bitmap } from './bitmap.js';
import {
  checkDrained,
  contentsOf,
  emptyContents,
  type HeapOptions,
  makeHeap,
  nodesOf,
} from './heap.js';
import { Model, type ModelPage, type Place } from './model.js';

interface Table {
  readonly address: Word;
  readonly mm: MmId;
  readonly kind: number;
  readonly place: Place;
  /** What its owner wrote into every word. */
  readonly stamp: number;
}

interface Freed {
  readonly address: Word;
  readonly contents: readonly number[];
  readonly kind: number;
  readonly started: GracePeriod;
  readonly sections: readonly object[];
}

type Same = (what: string, found: unknown, expected: unknown) => void;

export class History {
  readonly heap: Heap;
  readonly threads: readonly Thread[];
  readonly model: Model;
  readonly tables: Table[] = [];
  /** How often each thing happened: a history in which nothing happened proves nothing. */
  readonly seen: Map<string, number>;
  private readonly supply: Bitmap;
  private readonly callbacks: CallbackTable;
  private readonly sections: object[][];
  private freed: Freed[] = [];
  private stamps = 0;

  constructor(options: HeapOptions, seen: Map<string, number>) {
    const { heap, thread } = makeHeap({ threadsMax: 4, mmsMax: 5, ...options });
    this.heap = heap;
    this.seen = seen;
    this.threads = [
      thread,
      ...(['epoch', 'epoch', 'qsbr'] as const).map((flavour) => attachThread(heap, flavour)),
    ];
    this.sections = this.threads.map(() => []);
    this.model = new Model(heap.kinds, heap.sharedOwner);
    this.supply = new Bitmap(heap.mem.peek(headerWord(HEAP.LIMIT_PAGES)));
    this.callbacks = [
      (runner, head) => this.runPage(runner, head),
      (runner, head) => this.runMm(runner, head),
    ];
  }

  private note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  private isOver(n: GracePeriod): boolean {
    return !isBefore(this.heap.mem.load(headerWord(HEAP.GP_COMPLETED)), n);
  }

  private runPage(runner: Thread, head: Word): void {
    const pfn = pfnOfPtdesc(this.heap, head);
    const { waits, states } = this.model.pageOf(pfn);
    expect(waits !== 0 && this.isOver(waits), `page ${pfn} waits for ${waits}`).toBe(true);
    this.note(states.includes('A') ? 'callback with A' : 'callback without A');
    if (states.includes('N')) this.note('N');
    CALLBACKS[0]?.(runner, head);
    if (!this.model.ripen(pfn, graceStarted(this.heap))) return;
    this.supply.out.delete(pfn);
    this.note('returned');
  }

  private runMm(runner: Thread, head: Word): void {
    const mm = mmOfRecord(this.heap, (head - MM.RCU) as Word);
    const waits = this.model.dying.get(mm);
    expect(waits !== undefined && this.isOver(waits), `mm ${mm} waits`).toBe(true);
    CALLBACKS[1]?.(runner, head);
    this.model.dying.delete(mm);
    this.note('mm gone');
  }

  create(thread: Thread): void {
    const { live, dying } = this.model;
    if (live.size + dying.size === this.heap.mmsMax - 1) {
      expect(() => createMm(thread)).toThrow(expect.objectContaining({ limit: 'mmsMax' }));
      return;
    }
    const mm = createMm(thread);
    expect(live.has(mm) || dying.has(mm), `mm ${mm} is in use`).toBe(false);
    live.set(mm, 0);
  }

  destroy(thread: Thread, mm: MmId): void {
    if (this.model.live.get(mm) !== 0) {
      expect(() => destroyMm(thread, mm)).toThrow(
        expect.objectContaining({ code: 'mm-has-tables' }),
      );
      return;
    }
    const waits = (graceStarted(this.heap) + 1) & 0x7fffffff || 1;
    destroyMm(thread, mm);
    this.model.live.delete(mm);
    this.model.dying.set(mm, waits as GracePeriod);
  }

  alloc(thread: Thread, mm: MmId, kind: number): void {
    const shape = this.heap.kinds[kind] as HeapKind;
    const next = this.model.nextPlace(mm, kind);
    const address = allocTable(thread, mm, kind as KindId);
    if (address === null) {
      expect([next, this.supply.hasFree(shape.order)], 'out of pages').toEqual([null, false]);
      this.note('out of pages');
      return;
    }
    const pfn = pfnOfAddress(this.heap, address);
    const index = (address - pageAddress(this.heap, pfn)) / shape.fragmentWords;
    const place = next ?? { pfn, index: 0 };
    expect({ pfn, index }).toEqual(place);
    if (next === null) {
      expect(this.supply.isFree(pfn, shape.order), `page ${pfn} is free`).toBe(true);
      this.supply.out.set(pfn, shape.order);
    } else this.note('reused');
    this.model.alloc(mm, kind, place);
    this.checkMayUse(address, shape.fragmentWords);
    expect(contentsOf(this.heap, address, kind).join()).toBe(emptyContents(shape).join());
    const stamp = -1 - this.stamps++;
    this.heap.mem.fill(address, shape.fragmentWords, stamp);
    this.tables.push({ address, mm, kind, place, stamp });
  }

  /** No reader of before the free is inside, and a grace period has passed since (P1). */
  private checkMayUse(address: Word, words: number): void {
    const open = this.sections.flat();
    this.freed = this.freed.filter((old) => {
      const end = old.address + old.contents.length;
      if (old.address >= address + words || end <= address) return true;
      expect(old.sections.filter((section) => open.includes(section))).toEqual([]);
      expect(this.isOver(old.started)).toBe(true);
      expect(isBefore(old.started, this.heap.mem.load(headerWord(HEAP.GP_COMPLETED)))).toBe(true);
      return false;
    });
  }

  free(thread: Thread, table: Table, residue: boolean): void {
    const { address, kind } = table;
    const shape = this.heap.kinds[kind] as HeapKind;
    // Nobody wrote into it while it was allocated.
    const written = contentsOf(this.heap, address, kind);
    expect(written.every((word) => word === table.stamp)).toBe(true);
    fillEmpty(this.heap.mem, address, shape.fragmentWords, shape);
    if (residue) this.leaveResidue(address, shape);
    this.tables.splice(this.tables.indexOf(table), 1);
    const started = graceStarted(this.heap);
    this.freed.push({
      address,
      kind,
      contents: contentsOf(this.heap, address, kind),
      started,
      sections: this.sections.flat(),
    });
    freeTable(thread, table.mm, address);
    this.model.free(table.mm, table.place, started);
  }

  private leaveResidue(address: Word, kind: HeapKind): void {
    const { mem } = this.heap;
    for (let i = 0; i < kind.fragmentWords; i++) {
      const word = (address + i) as Word;
      if (i >= kind.entryWords) mem.poke(word, -77);
      else mem.poke(word, mem.peek(word) | (i % 2 === 0 ? kind.residueEven : kind.residueOdd));
    }
  }

  poll(thread: Thread, all: boolean, max: number): void {
    const count = (all ? pollAll : poll)(thread, this.callbacks, max);
    if (count > 1) this.note('several callbacks');
  }

  lock(who: number): void {
    rcuReadLock(this.threads[who] as Thread);
    this.sections[who]?.push({});
  }

  unlock(who: number): void {
    const thread = this.threads[who] as Thread;
    if (this.sections[who]?.pop() === undefined) quiescent(thread);
    else rcuReadUnlock(thread);
  }

  /** Every thread leaves all its sections, and is quiescent. */
  leaveAll(): void {
    for (const [who, sections] of this.sections.entries()) {
      while (sections.length > 0) this.unlock(who);
      quiescent(this.threads[who] as Thread);
    }
  }

  /** The heap is what the model says, and every rule holds. */
  check(): void {
    const { heap, model } = this;
    const wrong = checkHeap(heap).map(({ rule, detail }) => `${rule}: ${detail}`);
    // Words are compared one by one: an assertion each would take most of the time.
    const same = (what: string, found: unknown, expected: unknown): void => {
      if (found !== expected) wrong.push(`${what} is ${found}, expected is ${expected}`);
    };
    for (const [pfn, page] of model.pages) this.comparePage(pfn as Pfn, page, same);
    for (const [mm, tables] of model.live) {
      same(`tables of mm ${mm}`, tablesOf(this.threads[0] as Thread, mm), tables);
    }
    const owners = heap.sharedOwner ? [0] : [...model.live.keys()];
    for (const owner of owners) {
      for (let kind = 0; kind < heap.kinds.length; kind++) this.compareList(owner, kind, same);
    }
    const open = this.sections.flat();
    for (const { address, contents, sections } of this.freed) {
      if (!sections.some((section) => open.includes(section))) continue;
      contents.forEach((word, i) => {
        same(`word ${i} of freed ${address}`, heap.mem.peek((address + i) as Word), word);
      });
    }
    expect(wrong).toEqual([]);
  }

  private comparePage(pfn: Pfn, page: ModelPage, same: Same): void {
    const { heap } = this;
    const ptdesc = ptdescOf(heap, pfn);
    const kind = heap.kinds[page.kind] as HeapKind;
    const field = (offset: number): number => heap.mem.peek((ptdesc + offset) as Word);
    same(`page ${pfn}`, formatPage(heap.mem, ptdesc, kind), page.states.join(''));
    same(`HOLDER of ${pfn}`, field(PTDESC.HOLDER), page.holder + 1);
    same(`RCU of ${pfn}`, field(PTDESC.RCU), page.waits);
    const owner = mmRecord(heap, page.owner as MmId);
    same(`OWNER of ${pfn}`, field(PTDESC.OWNER), page.states.includes('A') ? owner : -owner);
  }

  private compareList(owner: number, kind: number, same: Same): void {
    const head = partialList(mmRecord(this.heap, owner as MmId), kind as KindId);
    const expected = this.model.list(owner, kind).map((pfn) => {
      const { holder } = this.model.pageOf(pfn);
      const shape = this.heap.kinds[kind] as HeapKind;
      return nodeAt(this.heap, pfn as Pfn, shape, holder as FragIndex);
    });
    same(`list ${owner}/${kind}`, nodesOf(this.heap, head).join(' '), expected.join(' '));
  }

  /** Everybody leaves, all is freed, all mms end: nothing may be left (P3, P6, P9). */
  end(): void {
    this.leaveAll();
    for (const thread of this.threads) rcuOffline(thread);
    const thread = this.threads[0] as Thread;
    for (const table of [...this.tables]) this.free(thread, table, false);
    for (const mm of [...this.model.live.keys()]) this.destroy(thread, mm);
    for (let i = 0; i < 8; i++) pollAll(thread, this.callbacks, 1000);
    expect([this.model.pages.size, this.model.dying.size]).toEqual([0, 0]);
    checkDrained(thread);
  }
}

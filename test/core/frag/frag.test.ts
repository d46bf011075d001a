/** Handing out and taking back fragments, for every fragment count and every geometry. */
import { describe, expect, it } from 'vitest';
import { at, type KindId, type MmId, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { fillEmpty } from '#src/core/frag/contents.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, tablesOf } from '#src/core/frag/mm.js';
import { LITTLE_ENDIAN } from '#src/core/mem/endian.js';
import {
  type Heap,
  type HeapKind,
  pageAddress,
  pfnOfAddress,
  type Thread,
} from '#src/core/mem/heap.js';
import { supplyCounts } from '#src/core/mem/supply.js';
import { GEOMETRIES } from '#src/core/pgtable/geometry.js';
import {
  checkClean,
  checkDrained,
  checkUnchanged,
  contentsOf,
  drain,
  emptyContents,
  type HeapOptions,
  KIND_0,
  kindOf,
  makeHeap,
  snapshot,
  statesOf,
  type TestHeap,
} from '../../support/heap.js';

const NRS = [1, 2, 4, 8, 16, 256];

const SHAPES: readonly [name: string, options: HeapOptions][] = [
  ...NRS.map((nr) => [`${nr} fragments a page`, { kinds: [kindOf(nr)] }] as const),
  ...Object.keys(GEOMETRIES).map((geometry) => [geometry, { geometry }] as const),
].map(([name, options]) => [name, { ...options, pagesMax: 64 }]);

interface Made extends TestHeap {
  readonly mm: MmId;
}

function makeMm(options: HeapOptions): Made {
  const made = makeHeap(options);
  return { ...made, mm: createMm(made.thread) };
}

function alloc(thread: Thread, mm: MmId, kind = KIND_0): Word {
  const table = allocTable(thread, mm, kind);
  expect(table).not.toBe(null);
  return table as Word;
}

/** All tables of one fresh page, in the order in which they were handed out. */
function allocPage(thread: Thread, mm: MmId, kindId: KindId): Word[] {
  const { perPage } = thread.heap.kinds[kindId] as HeapKind;
  return Array.from({ length: perPage }, () => alloc(thread, mm, kindId));
}

function forEachKind(heap: Heap, act: (kindId: KindId, kind: HeapKind) => void): void {
  heap.kinds.forEach((kind, i) => {
    act(i as KindId, kind);
  });
}

describe.each(SHAPES)('%s', (_, options) => {
  it('hands out a page from below, the holder of the node last, then a fresh page (P1)', () => {
    const { heap, thread, mm } = makeMm(options);
    forEachKind(heap, (kindId, kind) => {
      const tables = allocPage(thread, mm, kindId);
      const page = pageAddress(heap, pfnOfAddress(heap, tables[0] as Word));
      const order = tables.map((table) => (table - page) / kind.fragmentWords);
      const inner = Array.from({ length: Math.max(0, kind.perPage - 2) }, (_, i) => i + 2);
      expect(order).toEqual(kind.perPage === 1 ? [0] : [0, ...inner, 1]);
      expect(statesOf(heap, tables[0] as Word)).toBe('A'.repeat(kind.perPage));
      const next = alloc(thread, mm, kindId);
      const words = kind.fragmentWords * kind.perPage;
      expect(next < page || next >= page + words).toBe(true);
    });
    checkClean(heap);
  });

  it('hands out empty tables and leaves the tables beside them alone (P2)', () => {
    // Memory of the supply is as its last user left it, but for debug heaps.
    const { heap, mem, thread, mm } = makeMm({ ...options, debug: false });
    mem.fill(heap.pagesAt, heap.words - heap.pagesAt, 0x5b5b5b5b);
    forEachKind(heap, (kindId, kind) => {
      const empty = emptyContents(kind);
      const tables = Array.from({ length: kind.perPage + 1 }, (_, i) => {
        const table = alloc(thread, mm, kindId);
        expect(contentsOf(heap, table, kindId)).toEqual(empty);
        mem.fill(table, kind.fragmentWords, -1 - i);
        return table;
      });
      tables.forEach((table, i) => {
        expect(new Set(contentsOf(heap, table, kindId))).toEqual(new Set([-1 - i]));
        fillEmpty(mem, table, kind.fragmentWords, kind);
        freeTable(thread, mm, table);
      });
    });
    checkDrained(thread);
  });

  it('uses freed fragments again, empty, before it takes a fresh page (P1, H4)', () => {
    const { heap, thread, mm } = makeMm(options);
    forEachKind(heap, (kindId, kind) => {
      if (kind.perPage === 1) return;
      const tables = allocPage(thread, mm, kindId);
      // All but one, so that the page stays; in a strange order.
      const freed = tables.slice(1).reverse();
      for (const table of freed) freeTable(thread, mm, table);
      drain(thread);
      checkClean(heap, { drained: true });
      const { free } = supplyCounts(thread);
      const again = freed.map(() => alloc(thread, mm, kindId));
      expect(again.toSorted((a, b) => a - b)).toEqual(freed.toSorted((a, b) => a - b));
      for (const table of again) {
        expect(contentsOf(heap, table, kindId)).toEqual(emptyContents(kind));
      }
      expect(supplyCounts(thread).free).toBe(free);
    });
  });

  it.each([false, true])('returns every page when all is freed (P3, P9; one owner: %s)', (one) => {
    const { heap, thread, mm } = makeMm({ ...options, sharedOwner: one });
    const other = createMm(thread);
    const mms = [mm, other];
    forEachKind(heap, (kindId, kind) => {
      const count = Math.min(2 * kind.perPage + 1, 40);
      const tables = Array.from({ length: count }, (_, i) => {
        const owner = mms[i % 2] as MmId;
        return { owner, table: alloc(thread, owner, kindId) };
      });
      expect(mms.map((m) => tablesOf(thread, m))).toEqual([Math.ceil(count / 2), count >> 1]);
      for (const [i, { owner, table }] of tables.entries()) {
        freeTable(thread, owner, table);
        if (i % 3 === 0) drain(thread);
        checkClean(heap);
      }
      checkDrained(thread);
    });
    for (const m of mms) destroyMm(thread, m);
    checkDrained(thread);
  });

  it('has no page left: null, nothing changed, and tables again after frees ripened', () => {
    const pages = 16;
    const { heap, thread, mm } = makeMm({ ...options, pagesMax: pages });
    forEachKind(heap, (kindId, kind) => {
      const count = (pages >> kind.order) * kind.perPage;
      const tables = Array.from({ length: count }, () => alloc(thread, mm, kindId));
      const before = snapshot(heap);
      expect(allocTable(thread, mm, kindId)).toBe(null);
      checkUnchanged(heap, before);
      const freed = tables.pop() as Word;
      freeTable(thread, mm, freed);
      expect(allocTable(thread, mm, kindId)).toBe(null);
      drain(thread);
      expect(allocTable(thread, mm, kindId)).toBe(freed);
      for (const table of [...tables, freed]) freeTable(thread, mm, table);
      checkDrained(thread);
    });
  });
});

describe('empty tables of an architecture', () => {
  const entries = (heap: Heap, table: Word, kind: KindId): string[] => {
    const words = contentsOf(heap, table, kind);
    return Array.from({ length: words.length / 2 }, (_, i) => {
      const pair = words.slice(2 * i, 2 * i + 2);
      const [high, low] = LITTLE_ENDIAN ? pair.toReversed() : pair;
      return `${(high ?? -1).toString(16)}:${(low ?? -1).toString(16)}`;
    });
  };

  it('s390: 256 PTEs of exactly 0x400, 2048 entries of each upper table', () => {
    const { heap, thread, mm } = makeMm({ geometry: 's390' });
    const values = ['0:400', '0:20', '0:24', '0:28', '0:2c'];
    values.forEach((value, kind) => {
      const got = entries(heap, alloc(thread, mm, kind as KindId), kind as KindId);
      expect(got).toEqual(Array(kind === 0 ? 256 : 2048).fill(value));
    });
  });

  it('s390: the words that held the list node are 0x400 again when handed out (H4)', () => {
    const { heap, mem, thread, mm } = makeMm({ geometry: 's390', debug: false });
    const [lower, upper] = [alloc(thread, mm), alloc(thread, mm)];
    freeTable(thread, mm, lower);
    drain(thread);
    // Fragment 0 holds the node now.
    expect([mem.peek(lower), mem.peek(at(lower, 1))]).not.toEqual([0x400, 0]);
    expect(alloc(thread, mm)).toBe(lower);
    expect(entries(heap, lower, KIND_0)).toEqual(Array(256).fill('0:400'));
    expect(statesOf(heap, upper)).toBe('AA');
  });

  it('radix: R and C may linger in a freed table, and are gone when it is handed out', () => {
    const { heap, mem, thread, mm } = makeMm({ geometry: 'powerpc-radix-64k', pagesMax: 2 });
    const tables = allocPage(thread, mm, KIND_0);
    const [, victim] = tables as [Word, Word];
    const low = LITTLE_ENDIAN ? 0 : 1;
    for (let entry = 0; entry < 32; entry++) mem.poke(at(victim, 2 * entry + low), 0x180);
    freeTable(thread, mm, victim);
    drain(thread);
    checkClean(heap, { drained: true });
    expect(alloc(thread, mm)).toBe(victim);
    expect(new Set(contentsOf(heap, victim))).toEqual(new Set([0]));
  });

  it('radix: any other bit is no empty table, and is refused', () => {
    const { mem, thread, mm } = makeMm({ geometry: 'powerpc-radix-64k', pagesMax: 2 });
    const table = alloc(thread, mm);
    const [low, high] = LITTLE_ENDIAN ? [0, 1] : [1, 0];
    for (const [word, bit] of [
      [low, 0x200],
      [high, 0x180],
    ] as [number, number][]) {
      mem.poke(at(table, 62 + word), bit);
      expect(() => freeTable(thread, mm, table)).toThrow(
        expect.objectContaining({ code: 'not-empty' }),
      );
      mem.poke(at(table, 62 + word), 0);
    }
    freeTable(thread, mm, table);
    checkDrained(thread);
  });

  it('hash: slot words may be anything in a freed table, and are 0 when it is handed out', () => {
    const { heap, mem, thread, mm } = makeMm({ geometry: 'powerpc-hash-64k', pagesMax: 4 });
    for (const kind of [0, 1, 3] as KindId[]) {
      const [, victim] = allocPage(thread, mm, kind) as [Word, Word];
      const { entryWords, fragmentWords } = heap.kinds[kind] as HeapKind;
      mem.fill(at(victim, entryWords), fragmentWords - entryWords, -3);
      freeTable(thread, mm, victim);
      drain(thread);
      expect(alloc(thread, mm, kind)).toBe(victim);
      expect(new Set(contentsOf(heap, victim, kind))).toEqual(new Set([0]));
    }
    checkClean(heap, { drained: true });
  });
});

describe('filling with the empty value', () => {
  it.each([2, 4, 62, 64, 66, 126, 128, 1000, 4096])('writes %i words and no other', (words) => {
    const { heap, mem } = makeHeap({ pagesMax: 3, kinds: [kindOf(1, 4096)] });
    for (const [emptyEven, emptyOdd] of [
      [0, 0],
      [0x400, 0],
      [7, 8],
    ] as [number, number][]) {
      const kind = kindOf(1, 4096, { emptyEven, emptyOdd });
      mem.fill(heap.pagesAt, 8192, -1);
      fillEmpty(mem, at(heap.pagesAt, 100), words, kind);
      const got = Array.from({ length: words + 2 }, (_, i) => mem.peek(at(heap.pagesAt, 99 + i)));
      const pair = Array.from({ length: words }, (_, i) => (i % 2 === 0 ? emptyEven : emptyOdd));
      expect(got).toEqual([-1, ...pair, -1]);
    }
  });
});

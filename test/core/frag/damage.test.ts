/** Words of pages and mms that were damaged: whoever comes upon them stops, and says so. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type MmId, type Pfn, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, ownerOf, partialList } from '#src/core/frag/mm.js';
import { POISON } from '#src/core/frag/poison.js';
import {
  type Heap,
  headerWord,
  mmRecord,
  pfnOfAddress,
  ptdescOf,
  type Thread,
} from '#src/core/mem/heap.js';
import { HEAP, MM, PTDESC } from '#src/core/mem/layout.js';
import { listAdd, listDelete } from '#src/core/mem/list.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { pollAll } from '#src/core/rcu/callback.js';
import {
  checkUnchanged,
  contentsOf,
  drain,
  KIND_0,
  kindOf,
  makeHeap,
  nodesOf,
  snapshot,
} from '../../support/heap.js';

const MM_FREE = headerWord(HEAP.MM_FREE);
const MM_HIGH = headerWord(HEAP.MM_HIGH);

describe('damage', () => {
  let heap: Heap;
  let mem: SharedMemory;
  let thread: Thread;
  let mm: MmId;
  let tables: Word[];

  beforeEach(() => {
    ({ heap, mem, thread } = makeHeap({ debug: false, mmsMax: 4 }));
    mm = createMm(thread);
    tables = [];
  });

  function take(count: number): void {
    for (let taken = 0; taken < count; taken++) {
      tables.push(allocTable(thread, mm, KIND_0) as Word);
    }
  }

  const field = (name: keyof typeof PTDESC): Word =>
    at(ptdescOf(heap, pfnOfAddress(heap, tables[0] as Word)), PTDESC[name]);

  const list = (): Word => partialList(ownerOf(heap, mm), KIND_0);

  function runAll(): void {
    for (let round = 0; round < 4; round++) pollAll(thread, CALLBACKS, 9);
  }

  function expectTold(act: () => unknown, rule: string, message: string): void {
    expect(act).toThrow(message);
    expect(mem.load(headerWord(HEAP.BROKEN))).toBe(Number(rule.slice(1)));
  }

  it('a page is listed that has nothing free', () => {
    take(4);
    listAdd(mem, list(), tables[1] as Word);
    expectTold(() => allocTable(thread, mm, KIND_0), 'P4', 'is listed but has no node');
  });

  it('a page is listed by another word than its node', () => {
    take(3);
    listDelete(mem, nodesOf(heap, list())[0] as Word);
    listAdd(mem, list(), tables[1] as Word);
    expectTold(() => allocTable(thread, mm, KIND_0), 'P4', `${tables[1]} is listed, and no node`);
  });

  it('a page has nothing free though a grace period of its own is over', () => {
    take(4);
    const states = mem.peek(field('STATES'));
    freeTable(thread, mm, tables[0] as Word);
    mem.poke(field('STATES'), states);
    expectTold(runAll, 'P4', 'a page whose grace period is over has nothing free');
  });

  it.each(['HOLDER', 'ALLOCATED'] as const)('a page goes back of which %s is not 0', (name) => {
    take(2);
    for (const table of tables) freeTable(thread, mm, table);
    mem.poke(field(name), 1);
    expectTold(runAll, 'P3', 'is returned with an A or while on a list');
  });

  it.each([-1, 5])('the last table of a page is freed of which HOLDER is %d', (is) => {
    take(1);
    mem.poke(field('HOLDER'), is);
    expectTold(() => freeTable(thread, mm, tables[0] as Word), 'P4', `HOLDER of page 0 is ${is}`);
  });

  it('a page is listed by the last of its fragments: that is none', () => {
    take(4);
    const last = Math.max(...tables) as Word;
    tables = tables.filter((table) => table !== last);
    freeTable(thread, mm, last);
    drain(thread);
    expect(mem.peek(field('HOLDER'))).toBe(4);
    for (const table of tables) freeTable(thread, mm, table);
    expect(nodesOf(heap, list())).toEqual([]);
  });

  it.each([
    ['behind the last page', 32],
    ['before the first page', -1],
  ])('a table is freed that lies %s, where words look as if it were one', (_, pfn) => {
    take(2);
    const owner = ownerOf(heap, mm);
    // Of something else: there is no such page.
    const none = ptdescOf(heap, pfn as Pfn);
    mem.poke(at(none, PTDESC.OWNER), owner);
    mem.poke(at(none, PTDESC.ALLOCATED), 2);
    for (const name of ['KIND', 'RCU', 'STATES'] as const) mem.poke(at(none, PTDESC[name]), 0);
    const before = snapshot(heap);
    const table = at(heap.pagesAt, 16 * pfn);
    const code = 'foreign-fragment';
    expect(() => freeTable(thread, mm, table)).toThrow(expect.objectContaining({ code }));
    checkUnchanged(heap, before);
  });

  it.each([0, -1, 4, 1.5, 2 ** 32 + 1])(
    'a table is freed of mm %d, of which there is none',
    (is) => {
      take(1);
      const before = snapshot(heap);
      const frees = (): void => freeTable(thread, is as MmId, tables[0] as Word);
      expect(frees).toThrow(expect.objectContaining({ code: 'no-such-mm' }));
      checkUnchanged(heap, before);
    },
  );

  it('a record that is free served an mm that is not its own', () => {
    destroyMm(thread, mm);
    drain(thread);
    mem.poke(at(mmRecord(heap, mm), MM.LIFE), -2);
    expectTold(() => createMm(thread), 'P11', 'record 1 served mm 2');
  });

  it.each<[string, (other: MmId) => number]>([
    ['no record', () => heap.mmsAt + 1],
    ['no word of the heap', () => -8],
    ['the record of an mm that is live', (other) => mmRecord(heap, other)],
  ])('a record for an mm is to be had, and it is %s', (_, is) => {
    const word = is(createMm(thread));
    mem.poke(MM_FREE, word);
    expectTold(
      () => createMm(thread),
      'P12',
      `record ${word} is free, and it is in use or no record`,
    );
  });

  it.each([-1, 5])('so many records were used, of 4: %d', (is) => {
    mem.poke(MM_HIGH, is);
    expectTold(() => createMm(thread), 'P12', `MM_HIGH is ${is}`);
  });

  it('an mm without tables has a page on its list', () => {
    take(1);
    freeTable(thread, mm, tables[0] as Word);
    listAdd(mem, list(), tables[0] as Word);
    expectTold(() => destroyMm(thread, mm), 'P4', 'has no tables, but pages on list 0');
  });
});

describe('what lies in free memory', () => {
  const BLOCK = kindOf(4, 4, { entryWords: 0 });

  it('is cleared where a block may be full when it is freed, also without debug', () => {
    const { heap, thread, mem } = makeHeap({ debug: false, kinds: [BLOCK] });
    const mm = createMm(thread);
    const [block] = [0, 1, 2, 3].map(() => allocTable(thread, mm, KIND_0) as Word) as [Word];
    mem.fill(block, 4, 77);
    freeTable(thread, mm, block);
    drain(thread);
    expect(allocTable(thread, mm, KIND_0)).toBe(block);
    expect(contentsOf(heap, block)).toEqual([0, 0, 0, 0]);
  });

  it('is poison, but for what was written into a table after its free', () => {
    const { heap, thread, mem } = makeHeap();
    const mm = createMm(thread);
    const [table] = [allocTable(thread, mm, KIND_0) as Word, allocTable(thread, mm, KIND_0)];
    freeTable(thread, mm, table);
    mem.poke(at(table, 1), 77);
    drain(thread);
    expect(contentsOf(heap, table)).toEqual([POISON, 77, POISON, POISON]);
  });

  it('is poison behind entries, whatever lay there', () => {
    const kind = kindOf(4, 4, { entryWords: 2 });
    const { heap, thread, mem } = makeHeap({ kinds: [kind] });
    const mm = createMm(thread);
    const [table] = [allocTable(thread, mm, KIND_0) as Word, allocTable(thread, mm, KIND_0)];
    for (const word of [2, 3]) mem.poke(at(table, word), 55);
    freeTable(thread, mm, table);
    mem.poke(at(table, 1), 77);
    drain(thread);
    expect(contentsOf(heap, table)).toEqual([POISON, 77, POISON, POISON]);
  });

  it('names who freed it in the life of its page before this one', () => {
    const { heap, thread, mem } = makeHeap();
    const other = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    const tables = [0, 1, 2, 3].map(() => allocTable(thread, mm, KIND_0) as Word);
    for (const table of tables) freeTable(other, mm, table);
    drain(thread);
    expect(allocTable(thread, mm, KIND_0)).toBe(tables[0]);
    mem.poke(at(tables[1] as Word, 2), 77);
    const takesAll = (): void => {
      for (let taken = 0; taken < 3; taken++) allocTable(thread, mm, KIND_0);
    };
    expect(takesAll).toThrow(expect.objectContaining({ table: tables[1], freedBy: other.id }));
  });
});

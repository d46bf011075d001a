/** Debug heaps: free memory is poison, who writes there is told of it, and the heap stays whole. */
import { describe, expect, it } from 'vitest';
import { WriteAfterFreeError } from '#src/core/base/errors.js';
import { at, type MmId, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { checkHeap } from '#src/core/frag/check.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import { POISON } from '#src/core/frag/poison.js';
import { headerWord, mmRecord, type Thread } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import {
  checkClean,
  checkDrained,
  contentsOf,
  drain,
  emptyContents,
  type HeapOptions,
  KIND_0,
  KIND_1,
  kindOf,
  makeHeap,
  siblingOf,
  type TestHeap,
} from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

const WORDS = 16;

/** Blocks of data, of which nothing is an entry; or tables whose words are empty as s390's are. */
const SHAPES = [
  ['blocks of data', { entryWords: 0 }],
  ['tables of entries', { emptyEven: 0x400, emptyOdd: 9 }],
  ['tables of entries with slots behind them', { entryWords: 4 }],
] as const;

/** Whether blocks share a page, and whether another one of their page is in use. */
const PLACES = [
  ['a page with other blocks', 4, true],
  ['a page that was given back', 4, false],
  ['a page of its own, given back', 1, false],
] as const;

const CASES = SHAPES.flatMap(([shape, more]) =>
  PLACES.map(([place, perPage, kept]) => ({ shape, place, more, perPage, kept })),
);

interface Freed extends TestHeap {
  readonly mm: MmId;
  readonly other: Thread;
  readonly block: Word;
}

/** A heap in which thread 1 freed a block; no reader can be in it any more. */
function makeFreed(perPage: number, isKept: boolean, options: HeapOptions): Freed {
  const made = makeHeap({ pagesMax: 2, ...options });
  const { heap, thread } = made;
  const other = attachThread(heap, 'epoch');
  const mm = createMm(thread);
  const kept = isKept ? allocTable(thread, mm, KIND_0) : null;
  const block = allocTable(thread, mm, KIND_0) as Word;
  freeTable(other, mm, block);
  drain(thread);
  expect(kept === null || perPage > 1).toBe(true);
  return { ...made, mm, other, block };
}

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return null;
}

describe.each(CASES)('a write after the free, in $shape, in $place', (facts) => {
  const kinds = [kindOf(facts.perPage, WORDS, facts.more)];
  const make = (): Freed => makeFreed(facts.perPage, facts.kept, { kinds, pageShift: pageShift() });
  const pageShift = (): number => Math.log2(WORDS * facts.perPage);

  it.each([0, 1, 2, WORDS - 1])('into word %s is named, and the next call goes on', (word) => {
    const { heap, mem, thread, mm, block } = make();
    expect(contentsOf(heap, block)).toEqual(Array(WORDS).fill(POISON));
    mem.store(at(block, word), 77);
    const found = [{ rule: 'U1', detail: expect.stringMatching(/holds 77 .*: thread 1 freed/) }];
    expect(checkHeap(heap, { drained: true })).toEqual(found);
    expect(checkHeap(heap)).toEqual(found);
    const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
    expect(thrown).toBeInstanceOf(WriteAfterFreeError);
    expect(thrown).toMatchObject({ name: 'WriteAfterFreeError', code: 'write-after-free' });
    expect(thrown).toMatchObject({ table: block, word, found: 77, freedBy: 1 });
    expect(mem.load(headerWord(HEAP.BROKEN))).toBe(0);
    checkClean(heap, { drained: true });
    expect(allocTable(thread, mm, KIND_0)).toBe(block);
    expect(contentsOf(heap, block)).toEqual(emptyContents(heap.kinds[0] as never));
  });
});

describe('a free', () => {
  it.each(SHAPES)('writes nothing before its grace period is over: %s', (_, more) => {
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS, more)] });
    const reader = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    const [block] = [1, 2].map(() => allocTable(thread, mm, KIND_0)) as [Word, Word];
    const isData = heap.kinds[0]?.entryWords === 0;
    if (isData) mem.fill(block, WORDS, 5);
    const before = contentsOf(heap, block);
    rcuReadLock(reader);
    freeTable(thread, mm, block);
    expect(contentsOf(heap, block)).toEqual(before);
    rcuReadUnlock(reader);
    drain(thread);
    expect(contentsOf(heap, block)).toEqual(Array(WORDS).fill(POISON));
  });

  it('lets a reader write into a block of data until its grace period is over', () => {
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS, { entryWords: 0 })] });
    const mm = createMm(thread);
    const [block] = [1, 2].map(() => allocTable(thread, mm, KIND_0)) as [Word, Word];
    freeTable(thread, mm, block);
    mem.store(block, 5);
    drain(thread);
    checkClean(heap, { drained: true });
    expect(allocTable(thread, mm, KIND_0)).toBe(block);
  });

  it('keeps what was written into a table of entries meanwhile, to be found', () => {
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS)] });
    const mm = createMm(thread);
    const [table] = [1, 2].map(() => allocTable(thread, mm, KIND_0)) as [Word, Word];
    freeTable(thread, mm, table);
    mem.store(at(table, 3), 5);
    drain(thread);
    expect(checkHeap(heap)).toEqual([
      { rule: 'U1', detail: expect.stringContaining(`word 3 of block ${table} (kind nr4)`) },
    ]);
    const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
    expect(thrown).toMatchObject({ table, word: 3, found: 5, freedBy: 0 });
    expect(allocTable(thread, mm, KIND_0)).toBe(table);
  });

  it('of what is free already is told who freed it', () => {
    const { thread, mm, block } = makeFreed(4, true, { kinds: [kindOf(4, WORDS)] });
    const again = (): void => freeTable(thread, mm, block);
    expect(again).toThrow(expect.objectContaining({ code: 'double-free' }));
    expect(again).toThrow(/; thread 1 freed what lay there last$/);
    const back = makeFreed(4, false, { kinds: [kindOf(4, WORDS)] });
    const gone = (): void => freeTable(back.thread, back.mm, back.block);
    expect(gone).toThrow(expect.objectContaining({ code: 'foreign-fragment' }));
    expect(gone).toThrow(/; thread 1 freed what lay there last$/);
  });
});

describe('a debug heap', () => {
  it('names a block that was never handed out', () => {
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS, { entryWords: 0 })] });
    const mm = createMm(thread);
    const first = allocTable(thread, mm, KIND_0) as Word;
    const third = siblingOf(heap, first, 2);
    // Beyond the end of the second block.
    mem.store(third, 7);
    const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
    expect(thrown).toMatchObject({ table: third, word: 0, found: 7, freedBy: null });
    expect(allocTable(thread, mm, KIND_0)).toBe(third);
  });

  describe.each([4, 1])('of which no page was taken yet, %s blocks to each', (perPage) => {
    it.each([0, 1, perPage * WORDS - 1])('names the block to come, of word %s', (offset) => {
      const kinds = [kindOf(perPage, WORDS, { entryWords: 0 })];
      const pageShift = Math.log2(WORDS * perPage);
      const { heap, mem, thread } = makeHeap({ kinds, pageShift, pagesMax: 1 });
      const mm = createMm(thread);
      mem.store(at(heap.pagesAt, offset), 7);
      const found = [{ rule: 'U1', detail: expect.stringMatching(/holds 7 instead of 0: /) }];
      expect(checkHeap(heap, { drained: true })).toEqual(found);
      const word = offset % WORDS;
      const facts = { table: heap.pagesAt + offset - word, word, found: 7, freedBy: null };
      expect(thrownBy(() => allocTable(thread, mm, KIND_0))).toMatchObject(facts);
      checkDrained(thread);
      for (let index = 0; index < perPage; index++) allocTable(thread, mm, KIND_0);
      checkClean(heap);
    });
  });

  it('names each block of a page that was written, one at a time', () => {
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS)], pagesMax: 1 });
    const mm = createMm(thread);
    const blocks = [1, 3].map((index) => at(heap.pagesAt, index * WORDS));
    for (const block of blocks) mem.store(at(block, 2), 7);
    for (const table of blocks) {
      const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
      expect(thrown).toMatchObject({ table, word: 2, found: 7, freedBy: null });
    }
    freeTable(thread, mm, allocTable(thread, mm, KIND_0) as Word);
    drain(thread);
    for (const block of blocks) mem.store(at(block, 5), 8);
    for (const table of blocks) {
      const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
      expect(thrown).toMatchObject({ table, word: 5, found: 8, freedBy: null });
    }
    checkDrained(thread);
  });

  it('names a block of several pages, of which one was taken before', () => {
    const large = { ...kindOf(1, 8 * WORDS, { order: 1, entryWords: 0 }), name: 'large' };
    const { heap, mem, thread } = makeHeap({ kinds: [kindOf(4, WORDS), large], pagesMax: 2 });
    const mm = createMm(thread);
    freeTable(thread, mm, allocTable(thread, mm, KIND_0) as Word);
    drain(thread);
    for (const word of [3 * WORDS, 5 * WORDS]) mem.store(at(heap.pagesAt, word), 7);
    const thrown = [1, 2].map(() => thrownBy(() => allocTable(thread, mm, KIND_1)));
    expect(thrown).toEqual([
      expect.objectContaining({ table: heap.pagesAt + 3 * WORDS, word: 0, freedBy: null }),
      expect.objectContaining({ table: heap.pagesAt, word: 5 * WORDS, freedBy: null }),
    ]);
    expect(allocTable(thread, mm, KIND_1)).toBe(heap.pagesAt);
    freeTable(thread, mm, heap.pagesAt);
    checkDrained(thread);
  });

  it('finds what was written while a page that was taken could not be handed out', () => {
    const kinds = [kindOf(4, WORDS)];
    const memory = (words: Int32Array): HookMemory => new HookMemory(words);
    const { heap, mem, thread } = makeHeap({ kinds, pagesMax: 1, memory });
    const other = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    const third = at(heap.pagesAt, 2 * WORDS);
    let locked = 0;
    (mem as HookMemory).once(
      (access, word) => access === 'cas' && word === mmRecord(heap, mm) && ++locked === 2,
      () => {
        mem.store(third, 7);
        destroyMm(other, mm);
      },
    );
    expect(thrownBy(() => allocTable(thread, mm, KIND_0))).toMatchObject({ code: 'mm-not-live' });
    const next = createMm(thread);
    const thrown = thrownBy(() => allocTable(thread, next, KIND_0));
    expect(thrown).toMatchObject({ table: third, word: 0, found: 7, freedBy: null });
    expect(allocTable(thread, next, KIND_0)).toBe(heap.pagesAt);
  });

  it('names the block as it was freed, whatever is to lie there next', () => {
    const large = { ...kindOf(1, 8 * WORDS, { order: 1, entryWords: 0 }), name: 'large' };
    const kinds = [kindOf(4, WORDS), large];
    const { mem, thread } = makeHeap({ kinds, pagesMax: 2 });
    const mm = createMm(thread);
    const block = allocTable(thread, mm, KIND_1) as Word;
    freeTable(thread, mm, block);
    drain(thread);
    mem.store(at(block, 3 * WORDS), 5);
    const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
    expect(thrown).toMatchObject({ table: block, word: 3 * WORDS, found: 5, freedBy: 0 });
    expect((thrown as Error).message).toContain(`block ${block} (kind large)`);
    expect(allocTable(thread, mm, KIND_0)).toBe(block);
  });

  it('gives back as poison what it took for an mm that ended meanwhile', () => {
    const kinds = [kindOf(4, WORDS)];
    const memory = (words: Int32Array): HookMemory => new HookMemory(words);
    const { heap, mem, thread } = makeHeap({ kinds, pagesMax: 1, memory });
    const other = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    freeTable(thread, mm, allocTable(thread, mm, KIND_0) as Word);
    drain(thread);
    (mem as HookMemory).once(
      (access, word) => access === 'cas' && word === headerWord(HEAP.SUPPLY_LOCK),
      () => destroyMm(other, mm),
    );
    const thrown = thrownBy(() => allocTable(thread, mm, KIND_0));
    expect(thrown).toMatchObject({ code: 'mm-not-live' });
    checkClean(heap);
    checkDrained(thread);
  });
});

/**
 * Misuse is refused by name, before anything is changed: after each refusal every word of the heap
 * is what it was, locks included, and every rule still holds (X9).
 */
import { describe, expect, it } from 'vitest';
import { at, type KindId, type MmId, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, tablesOf } from '#src/core/frag/mm.js';
import { enterMm, leaveMm } from '#src/core/frag/users.js';
import { type Heap, headerWord, mmRecord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, MM } from '#src/core/mem/layout.js';
import { supplyCounts } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { beginGrace } from '#src/core/rcu/grace-period.js';
import {
  checkClean,
  checkDrained,
  checkUnchanged,
  drain,
  type HeapOptions,
  KIND_0,
  KIND_1,
  kindOf,
  makeHeap,
  siblingOf,
  snapshot,
  statesOf,
} from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

/** A heap in which every mistake can be made. */
interface Scene {
  readonly heap: Heap;
  readonly thread: Thread;
  readonly one: MmId;
  readonly two: MmId;
  /** Destroyed, its record waits. */
  readonly dying: MmId;
  /** Destroyed, its record free again. */
  readonly gone: MmId;
  /** A page of mm one: fragments in all four states, `AFCN`. */
  readonly mixed: Word;
  /** A page of mm one without tables: `CCCC`. */
  readonly empty: Word;
  /** The only table of mm two. */
  readonly theirs: Word;
  /** A table of mm one that takes two pages. */
  readonly large: Word;
}

const FRAGMENT_WORDS = 8;

function makeScene(options: HeapOptions = {}): Scene {
  const kinds = [kindOf(4, FRAGMENT_WORDS), { ...kindOf(1, 64, { order: 1 }), name: 'large' }];
  const { heap, thread } = makeHeap({ kinds, pageShift: 5, ...options });
  const [one, two, dying, gone] = [1, 2, 3, 4].map(() => createMm(thread)) as [MmId, ...MmId[]];
  const page = (mm: MmId): Word => {
    const tables = [1, 2, 3, 4].map(() => allocTable(thread, mm, KIND_0) as Word);
    return tables[0] as Word;
  };
  const free = (table: Word, ...indexes: number[]): void => {
    for (const index of indexes) freeTable(thread, one, siblingOf(heap, table, index));
  };
  const [mixed, empty] = [page(one), page(one)];
  const theirs = allocTable(thread, two as MmId, KIND_0) as Word;
  const large = allocTable(thread, one, KIND_1) as Word;
  free(mixed, 1);
  destroyMm(thread, gone as MmId);
  drain(thread);
  destroyMm(thread, dying as MmId);
  free(empty, 0, 1, 2, 3);
  free(mixed, 2);
  beginGrace(heap);
  free(mixed, 3);
  expect([mixed, empty].map((table) => statesOf(heap, table))).toEqual(['AFCN', 'CCCC']);
  checkClean(heap);
  return { heap, thread, one, two, dying, gone, mixed, empty, theirs, large } as Scene;
}

type Case = readonly [name: string, code: string, says: RegExp, call: (scene: Scene) => unknown];

const freeOf =
  (pick: (scene: Scene) => readonly [MmId, number]) =>
  (scene: Scene): void => {
    const [mm, table] = pick(scene);
    freeTable(scene.thread, mm, table as Word);
  };

const sibling = ({ heap }: Scene, table: Word, index: number): Word =>
  siblingOf(heap, table, index);

/** Misuse under either sharing. */
const CASES: readonly Case[] = [
  [
    'a double free of a fragment in F',
    'double-free',
    /^freeTable: not allocated: fragment 1, state F, of page 0 \(AFCN\) of mm 1; .* mm is 1\b/,
    freeOf((s) => [s.one, sibling(s, s.mixed, 1)]),
  ],
  [
    'a double free of a fragment in C',
    'double-free',
    /fragment 2, state C, of page 0 \(AFCN\) of mm 1; the caller's mm is 1(; thread 0 freed .*)?$/,
    freeOf((s) => [s.one, sibling(s, s.mixed, 2)]),
  ],
  [
    'a double free of a fragment in N',
    'double-free',
    /fragment 3, state N, of page 0 \(AFCN\) of mm 1; the caller's mm is 1(; thread 0 freed .*)?$/,
    freeOf((s) => [s.one, sibling(s, s.mixed, 3)]),
  ],
  [
    'a double free in a page without tables',
    'double-free',
    /fragment 2, state C, of page 1 \(CCCC\) of mm 1, in which no table is left; .* is 1\b/,
    freeOf((s) => [s.one, sibling(s, s.empty, 2)]),
  ],
  [
    'a page that is in the supply',
    'foreign-fragment',
    /: page 31 is not a page of tables; the caller's mm is 1$/,
    freeOf((s) => [s.one, s.heap.words - 32]),
  ],
  [
    'the second page of a block',
    'foreign-fragment',
    /page \d+ is not a page of tables; the caller's mm is 1$/,
    freeOf((s) => [s.one, s.large + 32]),
  ],
  [
    'an address inside a table',
    'foreign-fragment',
    /\d+ is not where a table begins in page 0; the caller's mm is 1$/,
    freeOf((s) => [s.one, s.mixed + 1]),
  ],
  [
    'an address half a table on',
    'foreign-fragment',
    /is not where a table begins in page 0/,
    freeOf((s) => [s.one, s.mixed + FRAGMENT_WORDS / 2]),
  ],
  [
    'an address inside a table of many pages',
    'foreign-fragment',
    /is not where a table begins in page/,
    freeOf((s) => [s.one, s.large + 2]),
  ],
  ...[-1, 0, 7.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32].map(
    (table): Case => [
      `the address ${table}`,
      'foreign-fragment',
      /^freeTable: \S+ is not in the page area; the caller's mm is 1$/,
      freeOf((s) => [s.one, table]),
    ],
  ),
  [
    'the words before and behind the page area',
    'foreign-fragment',
    /is not in the page area/,
    ({ thread, one, heap }) => {
      expect(() => freeTable(thread, one, (heap.pagesAt - 1) as Word)).toThrow('page area');
      freeTable(thread, one, heap.words as Word);
    },
  ],
  [
    'an address that is right but for a multiple of 2^32',
    'foreign-fragment',
    /is not in the page area/,
    freeOf((s) => [s.one, s.mixed + 2 ** 32]),
  ],
  [
    'a table that is not empty',
    'not-empty',
    /^freeTable: word 5 of fragment 0 of page 0 is not empty$/,
    ({ heap, thread, one, mixed }) => {
      const word = at(mixed, 5);
      heap.mem.poke(word, 1);
      try {
        freeTable(thread, one, mixed);
      } finally {
        heap.mem.poke(word, 0);
      }
    },
  ],
  [
    'a free into an mm that dies',
    'mm-not-live',
    /^mm 3 has ended$/,
    freeOf((s) => [s.dying, s.mixed]),
  ],
  [
    'a free into an mm that is gone',
    'mm-not-live',
    /^mm 4 has ended$/,
    freeOf((s) => [s.gone, s.mixed]),
  ],
  [
    'a kind that does not exist',
    'no-such-kind',
    /^the heap has no kind 2$/,
    ({ thread, one }) => allocTable(thread, one, 2 as KindId),
  ],
  [
    'kind -1',
    'no-such-kind',
    /no kind -1$/,
    ({ thread, one }) => allocTable(thread, one, -1 as KindId),
  ],
  [
    'an allocation in an mm that dies',
    'mm-not-live',
    /^mm 3 has ended$/,
    ({ thread, dying }) => allocTable(thread, dying, KIND_0),
  ],
  [
    'an allocation in an mm that never was',
    'mm-not-live',
    /^mm 7 was never created$/,
    ({ thread }) => allocTable(thread, 7 as MmId, KIND_0),
  ],
  ...[0, -1, 9, 16, 32 + 9, 1.5, 2 ** 32 + 1, Number.NaN].flatMap((mm) =>
    [allocTable, tablesOf].map(
      (operation): Case => [
        `${operation.name} in mm ${mm}`,
        'no-such-mm',
        /^mm is \S+; it must be a number that createMm returned: the heap has records for 1 to 8$/,
        ({ thread }) => operation(thread, mm as MmId, KIND_0),
      ],
    ),
  ),
  [
    'the end of an mm with tables',
    'mm-has-tables',
    /^mm 2 has 1 tables and 0 users$/,
    ({ thread, two }) => destroyMm(thread, two),
  ],
  [
    'the end of an mm that dies',
    'mm-not-live',
    /^mm 3/,
    ({ thread, dying }) => destroyMm(thread, dying),
  ],
  [
    'the end of an mm that is gone',
    'mm-not-live',
    /^mm 4/,
    ({ thread, gone }) => destroyMm(thread, gone),
  ],
  [
    'leaving an mm that nobody has entered',
    'not-a-user',
    /^thread 0 is not a user of mm 1$/,
    ({ thread, one }) => leaveMm(thread, one),
  ],
  [
    'entering an mm that dies',
    'mm-not-live',
    /^mm 3/,
    ({ thread, dying }) => enterMm(thread, dying),
  ],
  [
    'counting the tables of an mm that is gone',
    'mm-not-live',
    /^mm 4/,
    ({ thread, gone }) => tablesOf(thread, gone),
  ],
];

/** What only a heap with an owner for each mm can know. */
const CASES_OF_OWNERS: readonly Case[] = [
  [
    'a table of another mm',
    'foreign-fragment',
    /^freeTable: page 0 belongs to mm 1, the caller's mm is 2$/,
    freeOf((s) => [s.two, s.mixed]),
  ],
  [
    'the only table of another mm',
    'foreign-fragment',
    /page 2 belongs to mm 2, the caller's mm is 1$/,
    freeOf((s) => [s.one, s.theirs]),
  ],
  [
    'a freed table of another mm',
    'foreign-fragment',
    /page 0 belongs to mm 1, the caller's mm is 2$/,
    freeOf((s) => [s.two, sibling(s, s.mixed, 2)]),
  ],
  [
    'a page without tables of another mm',
    'foreign-fragment',
    /page 1 belongs to mm 1, the caller's mm is 2$/,
    freeOf((s) => [s.two, s.empty]),
  ],
];

function checkRefused([, code, says, call]: Case, scene: Scene): void {
  const before = snapshot(scene.heap);
  expect(() => call(scene)).toThrow(expect.objectContaining({ name: 'UsageError', code }));
  expect(() => call(scene)).toThrow(says);
  checkUnchanged(scene.heap, before);
  checkClean(scene.heap);
}

describe('refused, and nothing changes:', () => {
  it.each([...CASES, ...CASES_OF_OWNERS])('%s (%s)', (...misuse) => {
    checkRefused(misuse, makeScene());
  });
});

describe('refused in a heap without debug, and nothing changes:', () => {
  // Whether a table is empty is not looked at there.
  const cases = [...CASES, ...CASES_OF_OWNERS].filter(([, code]) => code !== 'not-empty');

  it.each(cases)('%s (%s)', (...misuse) => {
    checkRefused(misuse, makeScene({ debug: false }));
  });
});

describe('refused where all mms have one owner, and nothing changes:', () => {
  // Its pages belong to nobody in particular: messages name the common owner, mm 0.
  const common = (says: RegExp): RegExp => new RegExp(says.source.replace('of mm 1', 'of mm [01]'));

  it.each(CASES)('%s (%s)', (name, code, says, call) => {
    checkRefused([name, code, common(says), call], makeScene({ sharedOwner: true }));
  });
});

describe('an mm with users', () => {
  it('is not destroyed, and nothing changes', () => {
    const { heap, thread } = makeHeap();
    const mm = createMm(thread);
    enterMm(thread, mm);
    const before = snapshot(heap);
    expect(() => destroyMm(thread, mm)).toThrow(
      expect.objectContaining({ code: 'mm-in-use', message: expect.stringMatching('1 users') }),
    );
    checkUnchanged(heap, before);
  });
});

describe('an mm that is destroyed during an allocation', () => {
  it('is refused its page, which goes back to the supply unseen (P3)', () => {
    const { heap, mem, thread } = makeHeap({ memory: (words) => new HookMemory(words) });
    const other = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    const free = supplyCounts(thread);
    (mem as HookMemory).once(
      (access, word) => access === 'cas' && word === headerWord(HEAP.SUPPLY_LOCK),
      () => destroyMm(other, mm),
    );
    expect(() => allocTable(thread, mm, KIND_0)).toThrow(
      expect.objectContaining({ code: 'mm-not-live' }),
    );
    expect((mem as HookMemory).armed).toBe(false);
    expect(supplyCounts(thread)).toEqual(free);
    checkClean(heap);
    checkDrained(thread);
  });
});

describe('a list of partial pages of an mm without tables', () => {
  it('stops its end: the heap is broken (P4)', () => {
    const { heap, mem, thread } = makeHeap();
    const mm = createMm(thread);
    mem.poke(at(mmRecord(heap, mm), MM.LISTS), heap.pagesAt);
    expect(() => destroyMm(thread, mm)).toThrow(
      expect.objectContaining({ name: 'InvariantError', rule: 'P4' }),
    );
  });
});

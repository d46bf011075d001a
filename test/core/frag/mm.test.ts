/** Address spaces: what they count, how they end, and when their record is used again. */
import { describe, expect, it } from 'vitest';
import { at, type KindId, type MmId, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { checkHeap } from '#src/core/frag/check.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, ownerOf, partialList, tablesOf } from '#src/core/frag/mm.js';
import { enterMm, leaveAllMms, leaveMm, usersOf } from '#src/core/frag/users.js';
import { type Heap, mmRecord, pfnOfAddress, type Thread } from '#src/core/mem/heap.js';
import { KINDS_MAX, MM } from '#src/core/mem/layout.js';
import { supplyCounts } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { pollAll } from '#src/core/rcu/callback.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import {
  checkClean,
  checkDrained,
  checkUnchanged,
  drain,
  KIND_0,
  KIND_1,
  kindOf,
  makeHeap,
  pageField,
  snapshot,
} from '../../support/heap.js';

describe('an mm', () => {
  it('counts its tables of all kinds', () => {
    const kinds = [kindOf(4), kindOf(2, 8)];
    const { heap, thread } = makeHeap({ kinds, pageShift: 4 });
    const [one, two] = [createMm(thread), createMm(thread)];
    const tables = [KIND_0, KIND_1, KIND_0].map((kind) => allocTable(thread, one, kind) as Word);
    expect([tablesOf(thread, one), tablesOf(thread, two)]).toEqual([3, 0]);
    for (const [i, table] of tables.entries()) {
      freeTable(thread, one, table);
      expect(tablesOf(thread, one)).toBe(2 - i);
    }
    checkClean(heap);
  });

  it('has pages of its own, one list for each kind', () => {
    const { heap, thread } = makeHeap({ kinds: [kindOf(4), kindOf(2, 8)], pageShift: 4 });
    const [one, two] = [createMm(thread), createMm(thread)];
    const pages = [one, one, two, two].flatMap((mm) =>
      [KIND_0, KIND_1].map((kind) => pfnOfAddress(heap, allocTable(thread, mm, kind) as Word)),
    );
    expect(pages).toEqual([0, 1, 0, 1, 2, 3, 2, 3].map((i) => pages[[0, 1, 4, 5][i] as number]));
    expect(new Set(pages).size).toBe(4);
  });

  it('has its lists where the layout says, for as many kinds as there can be', () => {
    const { heap, thread } = makeHeap({
      kinds: Array.from({ length: KINDS_MAX }, () => kindOf(4)),
    });
    const record = mmRecord(heap, createMm(thread));
    const lists = heap.kinds.map((_, kind) => partialList(record, kind as KindId) - record);
    expect(lists).toEqual([32, 34, 36, 38, 40, 42, 44, 46]);
  });

  it('number 0 is nobody, and numbers are given out from 1, lowest free record last freed', () => {
    const { heap, thread } = makeHeap();
    const [one, two, three] = [createMm(thread), createMm(thread), createMm(thread)];
    expect([one, two, three]).toEqual([1, 2, 3]);
    destroyMm(thread, one);
    drain(thread);
    const next = createMm(thread);
    expect(mmRecord(heap, next)).toBe(mmRecord(heap, one));
    expect(createMm(thread)).toBe(4);
  });
});

describe('the number of an mm', () => {
  it.each([
    [2, 1],
    [3, 2],
    [5, 3],
    [8, 3],
    [9, 4],
    [256, 8],
    [257, 9],
  ])('of a heap with %i records has %i bits for the record', (mmsMax, bits) => {
    const { heap, thread } = makeHeap({ mmsMax });
    expect(heap.mmMask).toBe(2 ** bits - 1);
    const mm = createMm(thread);
    destroyMm(thread, mm);
    drain(thread);
    expect(createMm(thread)).toBe(2 ** bits + 1);
  });

  it('is another for each use of a record, up to 2^31, and then the first again (P11)', () => {
    const { heap, thread } = makeHeap({ mmsMax: 4 });
    const numbers = [createMm(thread)];
    const record = mmRecord(heap, numbers[0] as MmId);
    const replace = (): void => {
      destroyMm(thread, numbers.at(-1) as MmId);
      drain(thread);
      numbers.push(createMm(thread));
    };
    replace();
    replace();
    expect(numbers).toEqual([1, 5, 9]);
    // As if the generations up to the last but one were through.
    heap.mem.store(at(record, MM.LIFE), 2 ** 31 - 7);
    numbers.push((2 ** 31 - 7) as MmId);
    replace();
    replace();
    expect(numbers.slice(3)).toEqual([2 ** 31 - 7, 2 ** 31 - 3, 1]);
    expect(numbers.every((mm) => mmRecord(heap, mm) === record)).toBe(true);
    checkClean(heap, { drained: true });
  });
});

describe.each([false, true])(
  'the number of an mm that has ended (one owner: %s)',
  (sharedOwner) => {
    /** An mm that has ended, and the next one in its record, with a table. */
    const makeNext = (): { heap: Heap; thread: Thread; ended: MmId; next: MmId; table: Word } => {
      const { heap, thread } = makeHeap({ mmsMax: 2, kinds: [kindOf(4)], sharedOwner });
      const ended = createMm(thread);
      destroyMm(thread, ended);
      drain(thread);
      const next = createMm(thread);
      return { heap, thread, ended, next, table: allocTable(thread, next, KIND_0) as Word };
    };

    it.each<[string, (thread: Thread, mm: MmId, table: Word) => unknown]>([
      ['allocTable', (thread, mm) => allocTable(thread, mm, KIND_0)],
      ['freeTable', freeTable],
      ['destroyMm', destroyMm],
      ['enterMm', enterMm],
      ['leaveMm', leaveMm],
      ['tablesOf', tablesOf],
      ['usersOf', usersOf],
    ])('is refused by %s, and the next mm is not touched (P11)', (_, operation) => {
      const { heap, thread, ended, next, table } = makeNext();
      const before = snapshot(heap);
      expect(() => operation(thread, ended, table)).toThrow(
        expect.objectContaining({
          code: 'mm-not-live',
          message: `mm ${ended} has ended; its record serves mm ${next} now`,
        }),
      );
      checkUnchanged(heap, before);
      freeTable(thread, next, table);
      destroyMm(thread, next);
      checkDrained(thread);
    });

    it('and of one that was not created yet are told apart', () => {
      const { thread, ended, next } = makeNext();
      const later = (next + 2) as MmId;
      expect(() => destroyMm(thread, later)).toThrow(
        `mm ${later} was never created; its record serves mm ${next} now`,
      );
      expect(() => destroyMm(thread, ended)).toThrow(`mm ${ended} has ended; its record`);
    });
  },
);

describe('the record of a destroyed mm', () => {
  it('is used again only after a grace period (P5)', () => {
    const { heap, thread } = makeHeap({ mmsMax: 3 });
    const reader = attachThread(heap, 'epoch');
    const [one] = [createMm(thread), createMm(thread)] as [MmId, MmId];
    rcuReadLock(reader);
    destroyMm(thread, one);
    for (let i = 0; i < 6; i++) pollAll(thread, CALLBACKS, 9);
    expect(() => createMm(thread)).toThrow(
      expect.objectContaining({ name: 'LimitError', limit: 'mmsMax', max: 2 }),
    );
    checkClean(heap);
    rcuReadUnlock(reader);
    drain(thread);
    expect(mmRecord(heap, createMm(thread))).toBe(mmRecord(heap, one));
    checkClean(heap, { drained: true });
  });

  it('is not needed by pages that still wait: their callbacks may run later (H1, P5)', () => {
    const { heap, thread } = makeHeap();
    const reader = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    const tables = [1, 2, 3, 4, 5].map(() => allocTable(thread, mm, KIND_0) as Word);
    rcuReadLock(reader);
    for (const table of tables) freeTable(thread, mm, table);
    destroyMm(thread, mm);
    expect(tables.map((table) => pageField(heap, table, 'OWNER'))).toEqual(
      Array(5).fill(-mmRecord(heap, mm)),
    );
    checkClean(heap);
    rcuReadUnlock(reader);
    // In whatever order: the mm's callback first, then the pages', and a new mm in between.
    pollAll(thread, CALLBACKS, 1);
    expect(mmRecord(heap, createMm(thread))).toBe(mmRecord(heap, mm));
    expect(supplyCounts(thread).free).toBe(30);
    checkClean(heap);
    checkDrained(thread);
  });

  it('is free again: an mm made of it starts with nothing', () => {
    const { heap, thread } = makeHeap({ mmsMax: 2 });
    for (let i = 0; i < 20; i++) {
      const mm = createMm(thread);
      expect(tablesOf(thread, mm)).toBe(0);
      expect(() => leaveMm(thread, mm)).toThrow(expect.objectContaining({ code: 'not-a-user' }));
      const table = allocTable(thread, mm, KIND_0) as Word;
      freeTable(thread, mm, table);
      destroyMm(thread, mm);
      checkDrained(thread);
    }
    expect(checkHeap(heap, { drained: true })).toEqual([]);
  });
});

describe('users of an mm', () => {
  it('keep it from being destroyed until each has left', () => {
    const { heap, thread } = makeHeap();
    const other = attachThread(heap, 'epoch');
    const mm = createMm(thread);
    enterMm(thread, mm);
    enterMm(other, mm);
    for (const leaver of [other, thread]) {
      expect(() => destroyMm(thread, mm)).toThrow(expect.objectContaining({ code: 'mm-in-use' }));
      leaveMm(leaver, mm);
    }
    destroyMm(thread, mm);
    checkDrained(thread);
  });

  it('are threads: each once, however often it enters, and none for another', () => {
    const { heap, thread } = makeHeap({ threadsMax: 40 });
    const others = Array.from({ length: 39 }, () => attachThread(heap, 'epoch'));
    const last = others.at(-1) as Thread;
    const mm = createMm(thread);
    for (const user of [thread, thread, ...others]) enterMm(user, mm);
    expect(usersOf(thread, mm)).toBe(40);
    leaveMm(thread, mm);
    const before = snapshot(heap);
    expect(() => leaveMm(thread, mm)).toThrow(
      expect.objectContaining({
        code: 'not-a-user',
        message: `thread ${thread.id} is not a user of mm ${mm}`,
      }),
    );
    checkUnchanged(heap, before);
    expect(usersOf(thread, mm)).toBe(39);
    for (const user of others.slice(0, -1)) leaveMm(user, mm);
    expect(usersOf(thread, mm)).toBe(1);
    leaveAllMms(thread);
    expect(usersOf(thread, mm)).toBe(1);
    leaveAllMms(last);
    destroyMm(thread, mm);
    checkDrained(thread);
  });
});

describe('one owner for all mms', () => {
  const options = { kinds: [kindOf(4)], sharedOwner: true };

  it('lets two mms share a page, and each counts its own tables', () => {
    const { heap, thread } = makeHeap(options);
    const [one, two] = [createMm(thread), createMm(thread)];
    const tables = [one, two, one, two].map((mm) => allocTable(thread, mm, KIND_0) as Word);
    expect(new Set(tables.map((table) => pfnOfAddress(heap, table))).size).toBe(1);
    expect([one, two].map((mm) => tablesOf(thread, mm))).toEqual([2, 2]);
    expect(ownerOf(heap, one)).toBe(ownerOf(heap, two));
    checkClean(heap);
  });

  it('does not destroy an mm that still has tables in a shared page', () => {
    const { heap, thread } = makeHeap(options);
    const [one, two] = [createMm(thread), createMm(thread)];
    const [first, second] = [one, two].map((mm) => allocTable(thread, mm, KIND_0) as Word);
    expect(() => destroyMm(thread, one)).toThrow(
      expect.objectContaining({ code: 'mm-has-tables' }),
    );
    freeTable(thread, one, first as Word);
    destroyMm(thread, one);
    checkClean(heap);
    expect(tablesOf(thread, two)).toBe(1);
    freeTable(thread, two, second as Word);
    destroyMm(thread, two);
    checkDrained(thread);
  });

  it('hands out what another mm freed, after the grace period', () => {
    const { thread } = makeHeap(options);
    const [one, two] = [createMm(thread), createMm(thread)];
    const [first] = [one, two].map((mm) => allocTable(thread, mm, KIND_0) as Word);
    freeTable(thread, one, first as Word);
    drain(thread);
    const next = [1, 2, 3].map(() => allocTable(thread, two, KIND_0));
    expect(next).toContain(first);
  });
});

describe('an operation', () => {
  it('changes none of the handles that it is given (X2, X4)', () => {
    const { heap, thread } = makeHeap();
    Object.freeze(heap.kinds);
    const { mem: _, ...facts } = heap;
    const before = JSON.stringify([facts, { ...thread, heap: 0, mem: 0 }]);
    const keys = Object.keys(thread);
    const mm = createMm(thread);
    enterMm(thread, mm);
    rcuReadLock(thread);
    const tables = [1, 2, 3].map(() => allocTable(thread, mm, KIND_0) as Word);
    rcuReadUnlock(thread);
    for (const table of tables) freeTable(thread, mm, table);
    leaveMm(thread, mm);
    destroyMm(thread, mm);
    drain(thread);
    expect(JSON.stringify([facts, { ...thread, heap: 0, mem: 0 }])).toBe(before);
    expect(Object.keys(thread)).toEqual(keys);
    expect([heap, thread, CALLBACKS].map((value) => Object.isExtensible(value))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

/** Locks whose holder never lets go: what the operations that wait for them leave behind. */
import { describe, expect, it } from 'vitest';
import type { StallError } from '#src/core/base/errors.js';
import type { MmId, Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { CALLBACKS } from '#src/core/frag/callback.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm, ownerOf, tablesOf } from '#src/core/frag/mm.js';
import { enterMm } from '#src/core/frag/users.js';
import { type Heap, headerWord, type Thread, withLockWaits } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import { acquire, release, SLEEPERS } from '#src/core/mem/lock.js';
import { growSupply } from '#src/core/mem/supply.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { pollAll } from '#src/core/rcu/callback.js';
import { hasCallbacks } from '#src/core/rcu/queue.js';
import {
  checkClean,
  checkDrained,
  checkUnchanged,
  type HeapOptions,
  KIND_0,
  makeHeap,
  snapshot,
} from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

const SUPPLY = headerWord(HEAP.SUPPLY_LOCK);
const TABLE = headerWord(HEAP.MM_TABLE_LOCK);

/** A heap, a thread that dies with a lock held, and one that waits 2 ms for locks. */
function makeStalled(options: HeapOptions = {}): {
  heap: Heap;
  mem: HookMemory;
  dead: Thread;
  thread: Thread;
  mm: MmId;
} {
  const made = makeHeap({ memory: (words) => new HookMemory(words), spins: 0, ...options });
  const { heap, thread: dead } = made;
  const thread = withLockWaits(attachThread(heap, 'epoch'), { lookMs: 1, stallMs: 2 });
  return { heap, mem: made.mem as HookMemory, dead, thread, mm: createMm(thread) };
}

/** What an operation throws. */
function stallOf(operation: () => unknown): StallError {
  try {
    operation();
  } catch (error) {
    expect((error as Error).name).toBe('StallError');
    return error as StallError;
  }
  throw new Error('it did not stall');
}

type Operation = (thread: Thread, mm: MmId, table: Word) => unknown;

describe('an operation that gives up its wait', () => {
  it.each<[string, string, (heap: Heap, mm: MmId) => Word, Operation]>([
    ['allocTable', 'the owner', ownerOf, (thread, mm) => allocTable(thread, mm, KIND_0)],
    ['allocTable', 'the supply', () => SUPPLY, (thread, mm) => allocTable(thread, mm, KIND_0)],
    ['freeTable', 'the owner', ownerOf, freeTable],
    ['createMm', 'the table of mms', () => TABLE, (thread) => createMm(thread)],
    ['destroyMm', 'the owner', ownerOf, (thread, mm) => destroyMm(thread, mm)],
    ['enterMm', 'the owner', ownerOf, (thread, mm) => enterMm(thread, mm)],
    ['tablesOf', 'the owner', ownerOf, (thread, mm) => tablesOf(thread, mm)],
    ['growSupply', 'the supply', () => SUPPLY, (thread) => growSupply(thread, 1)],
  ])('%s, for the lock of %s, has changed nothing', (_name, _whose, lockOf, operation) => {
    // One fragment to a page: an alloc needs the supply.
    const { heap, mem, dead, thread, mm } = makeStalled();
    const table = allocTable(thread, mm, KIND_0) as Word;
    for (let i = 0; i < 3; i++) allocTable(thread, mm, KIND_0);
    const lock = lockOf(heap, mm);
    acquire(dead, lock);
    const before = snapshot(heap);
    before[lock] = (before[lock] as number) | SLEEPERS;
    const { waitsFor, thread: named, unfinished } = stallOf(() => operation(thread, mm, table));
    expect([waitsFor, named, unfinished]).toEqual(['lock', dead.id, null]);
    checkUnchanged(heap, before);
    release(dead, lock);
    expect(mem.load(lock)).toBe(0);
    checkClean(heap);
  });

  it('createMm gives its record back when the common owner is locked', () => {
    const { heap, dead, thread, mm } = makeStalled({ sharedOwner: true });
    const owner = ownerOf(heap, mm);
    acquire(dead, owner);
    for (let i = 0; i < 20; i++) {
      expect(stallOf(() => createMm(thread)).unfinished).toBe(null);
    }
    release(dead, owner);
    checkClean(heap);
    expect(createMm(thread)).toBe(mm + 1);
  });

  it.each([
    [false, null],
    [true, 'page 0 is lost, for the supply is locked too'],
  ])('allocTable gives its fresh page back, or says so (supply locked: %s)', (both, said) => {
    const { heap, mem, dead, thread, mm } = makeStalled();
    const owner = ownerOf(heap, mm);
    // The page is taken; the owner's lock, let go of meanwhile, is to be had again.
    mem.once(
      (access, word) => access === 'exchange' && word === SUPPLY,
      () => {
        acquire(dead, owner);
        // The seam's own exchange follows, and lets go of it for this thread: lock it after that.
        if (both)
          mem.once((access, word) => access === 'awaitChange' && word === owner, lockSupply);
      },
    );
    const lockSupply = (): void => acquire(dead, SUPPLY);
    expect(stallOf(() => allocTable(thread, mm, KIND_0)).unfinished).toBe(said);
    release(dead, owner);
    if (both) release(dead, SUPPLY);
    else checkDrained(thread);
  });
});

describe('a callback that gives up its wait', () => {
  it.each<[string, (heap: Heap, mm: MmId) => Word, number]>([
    ['the owner', ownerOf, 1],
    ['the supply', () => SUPPLY, 4],
  ])('of a page, for the lock of %s, runs once more', (_whose, lockOf, freed) => {
    const { heap, dead, thread, mm } = makeStalled();
    const tables = Array.from({ length: 4 }, () => allocTable(thread, mm, KIND_0) as Word);
    for (const table of tables.slice(0, freed)) freeTable(thread, mm, table);
    acquire(dead, lockOf(heap, mm));
    expect(pollAll(thread, CALLBACKS, 32)).toBe(0);
    expect(pollAll(thread, CALLBACKS, 32)).toBe(0);
    expect(hasCallbacks(heap, thread.id)).toBe(true);
    release(dead, lockOf(heap, mm));
    checkClean(heap);
    expect(pollAll(thread, CALLBACKS, 32)).toBe(1);
    for (const table of tables.slice(freed)) freeTable(thread, mm, table);
    checkDrained(thread);
  });

  it('of an mm, for the lock of the table of mms, runs once more', () => {
    const { heap, dead, thread, mm } = makeStalled();
    destroyMm(thread, mm);
    acquire(dead, TABLE);
    for (let i = 0; i < 3; i++) expect(pollAll(thread, CALLBACKS, 32)).toBe(0);
    release(dead, TABLE);
    checkClean(heap);
    expect(pollAll(thread, CALLBACKS, 32)).toBe(1);
    expect(createMm(thread)).toBe(mm + heap.mmMask + 1);
    checkClean(heap, { drained: true });
  });

  it('does not keep the others of its batch from running', () => {
    const { heap, dead, thread, mm } = makeStalled();
    const other = createMm(thread);
    const [one, two] = [mm, other].map((each) => allocTable(thread, each, KIND_0) as Word);
    const kept = allocTable(thread, mm, KIND_0) as Word;
    freeTable(thread, mm, one as Word);
    freeTable(thread, other, two as Word);
    acquire(dead, ownerOf(heap, mm));
    // A page that has a table left needs its owner's lock, one without needs none.
    expect(pollAll(thread, CALLBACKS, 32)).toBe(1);
    release(dead, ownerOf(heap, mm));
    freeTable(thread, mm, kept);
    checkDrained(thread);
  });
});

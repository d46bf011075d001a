/** Threads that hold others up: whom errors, `blocker` and the check name, and how soon. */
import { type AttachedThread, attach, createHeap, StallError, UsageError } from 'ptfrag';
import { type AddressSpace, createSpace, PROT } from 'ptfrag/pgtable';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MmId, Word } from '#src/core/base/units.js';
import { at } from '#src/core/base/units.js';
import { ownerOf } from '#src/core/frag/mm.js';
import { type Heap, headerWord, openHeap, threadRecord } from '#src/core/mem/heap.js';
import { HEAP, THREAD } from '#src/core/mem/layout.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { tableLock } from '#src/core/pgtable/lock.js';

const SUPPLY = headerWord(HEAP.SUPPLY_LOCK);
const MM_TABLE = headerWord(HEAP.MM_TABLE_LOCK);

interface Scene {
  readonly heap: Heap;
  readonly thread: AttachedThread;
  /** Holds whatever a test gives it, and never lets go. */
  readonly dead: AttachedThread;
}

/** Less than the sleep between two looks: a wait for a lock is one sleep. */
const LOCK_STALL_MS = 20;

function makeScene(): Scene {
  const { buffer } = createHeap({ geometry: 's390', pages: 64, mmsMax: 8, threadsMax: 3 });
  const heap = openHeap(new SharedMemory(new Int32Array(buffer as SharedArrayBuffer), true));
  const thread = attach(buffer, { lockStallMs: LOCK_STALL_MS });
  return { heap, thread, dead: attach(buffer, { name: 'dead' }) };
}

function hold({ heap, dead }: Scene, lock: Word): void {
  heap.mem.store(lock, dead.id + 1);
}

function stallOf(action: () => unknown): StallError {
  try {
    action();
  } catch (error) {
    if (error instanceof StallError) return error;
    throw error;
  }
  throw new Error('nothing was waited for');
}

/** Whether an action blames thread 1, which has the lock of `of`. */
function blames(action: () => unknown, of: string): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (!(error instanceof StallError)) throw error;
    expect(error).toMatchObject({ waitsFor: 'lock', thread: 1, threadName: 'dead' });
    expect(error.message).toContain(`thread 1 (dead) holds the lock of ${of}`);
    return true;
  }
}

describe('a name', () => {
  it('is what others call a thread, until the next has its record', () => {
    const { buffer } = createHeap({ pages: 4, threadsMax: 2 });
    const before = Date.now() - 1000;
    const thread = attach(buffer, { name: 'renderer' });
    const other = attach(buffer);
    const [first, second] = other.threads();
    expect(first).toMatchObject({ thread: thread.id, name: 'renderer' });
    expect(second).toMatchObject({ thread: other.id, name: null });
    expect(first?.attachedAtMs).toBeGreaterThan(before);
    expect(() => attach(buffer)).toThrow('thread 0 (renderer), thread 1 are attached');
    thread.readLock();
    expect(stallOf(() => other.synchronize({ stallMs: 1 }))).toMatchObject({
      thread: thread.id,
      threadName: 'renderer',
      message: expect.stringContaining('thread 0 (renderer) is inside a read section'),
    });
    thread.readUnlock();
    thread.detach();
    attach(buffer);
    expect(other.threads().map(({ name }) => name)).toEqual([null, null]);
  });

  it.each(['', 'x'.repeat(33), 'Zeichner \u00e4', 'a\nb', 7, null, {}])(
    'is refused: %s',
    (name) => {
      const { buffer } = createHeap({ pages: 4 });
      const words = [...new Int32Array(buffer)];
      expect(() => attach(buffer, { name: name as string })).toThrow(UsageError);
      expect([...new Int32Array(buffer)]).toEqual(words);
    },
  );

  it('may have 32 characters', () => {
    const { buffer } = createHeap({ pages: 4 });
    const name = 'abcdefghijklmnopqrstuvwxyz 01234';
    expect(attach(buffer, { name }).threads()[0]?.name).toBe(name);
  });
});

describe('a qsbr thread that is online', () => {
  it('is not said to be in a read section', () => {
    const { buffer } = createHeap({ pages: 4 });
    const thread = attach(buffer);
    const online = attach(buffer, { flavour: 'qsbr', name: 'idle' });
    online.read(() => {});
    const error = stallOf(() => thread.synchronize({ stallMs: 1 }));
    expect(error.waitsFor).toBe('online');
    expect(error.message).toContain(
      'thread 1 (idle) is online (qsbr) and has called neither quiescent nor offline since',
    );
    expect(thread.blocker()).toMatchObject({ cause: 'online', name: 'idle' });
    online.offline();
    thread.synchronize();
    expect(thread.blocker()).toBe(null);
  });
});

afterEach(() => vi.restoreAllMocks());

/** How many waits for a lock were over by themselves, from now on. */
function countWaits(lock: Word): { count: number } {
  const waits = { count: 0 };
  const { awaitChange } = SharedMemory.prototype;
  const counting: typeof awaitChange = function (this: SharedMemory, word, ...rest) {
    const isOver = awaitChange.call(this, word, ...rest);
    if (isOver && word === lock) waits.count++;
    return isOver;
  };
  vi.spyOn(SharedMemory.prototype, 'awaitChange').mockImplementation(counting);
  return waits;
}

/** What a scene calls, in this order, while the dead thread has a lock. */
const CALLS: Readonly<Record<string, (made: Made) => unknown>> = {
  poll: ({ thread }) => thread.poll(),
  createMm: ({ thread }) => thread.createMm(),
  allocTable: ({ thread, mm }) => Array.from({ length: 5 }, () => thread.allocTable(mm)),
  freeTable: ({ thread, mm, table }) => thread.freeTable(mm, table),
  pages: ({ thread }) => thread.pages(),
  mapRange: ({ space }) => space.mapRange(0x8000_0000, 64 << 20, 0x1000, PROT.read),
  unmapRange: ({ space }) => space.unmapRange(0, 0x1000),
  fork: ({ space }) => space.fork(),
  // After one step: each step runs callbacks, which wait once.
  barrier: ({ thread }) => thread.barrier({ stallMs: 0 }),
};

interface Made extends Scene {
  readonly space: AddressSpace;
  readonly mm: MmId;
  readonly table: Word;
}

/** A page mapped, a table to free, and callbacks pending: of a page, of half a page, of an mm. */
function fillScene(scene: Scene): Made {
  const { thread } = scene;
  const space = createSpace(thread);
  space.mapPage(0, 0x1000, PROT.read);
  const { mm } = space;
  const [, table, ...pair] = Array.from({ length: 5 }, () => thread.allocTable(mm));
  for (const each of pair) thread.freeTable(mm, each);
  thread.destroyMm(thread.createMm());
  return { ...scene, space, mm: mm as MmId, table: table as Word };
}

/** Each lock that a dead thread can have, and which calls throw that it has. */
const LOCKS: readonly (readonly [of: string, lock: (made: Made) => Word, blaming: string])[] = [
  ['the supply', () => SUPPLY, 'allocTable pages mapRange fork barrier'],
  ['the table of mms', () => MM_TABLE, 'createMm fork barrier'],
  ['mm 1', ({ heap, mm }) => ownerOf(heap, mm), 'allocTable freeTable mapRange unmapRange barrier'],
];

describe('a dead thread that has a lock', () => {
  it.each(LOCKS)('is named, and no call waits for it twice: %s', (of, lockOf, blaming) => {
    const made = fillScene(makeScene());
    const { thread } = made;
    const lock = lockOf(made);
    hold(made, lock);
    const waits = countWaits(lock);
    const found: string[] = [];
    for (const [name, call] of Object.entries(CALLS)) {
      waits.count = 0;
      if (blames(() => call(made), of)) found.push(name);
      // A poll throws nothing, but a callback of it waits.
      const isWaiting = name === 'poll' || found.at(-1) === name;
      expect([name, waits.count]).toEqual([name, isWaiting ? 1 : 0]);
    }
    expect(found.join(' ')).toBe(blaming);
    expect(thread.blocker()).toMatchObject({ cause: 'lock', name: 'dead', of });
    const rule = { rule: 'L1', detail: `the lock of ${of} is held by thread 1 (dead)` };
    expect(thread.check()).toContainEqual(rule);
  });

  it('is named by a barrier with a limit of its own, whatever that of locks is', () => {
    const scene = makeScene();
    const { heap, dead } = scene;
    const patient = attach((heap.mem as SharedMemory).words.buffer, { lockStallMs: 1e9 });
    const mm = patient.createMm();
    const tables = Array.from({ length: 40 }, () => patient.allocTable(mm));
    for (const table of tables.filter((_, i) => i % 2 === 0)) patient.freeTable(mm, table);
    hold(scene, ownerOf(heap, mm as MmId));
    const waits = countWaits(ownerOf(heap, mm as MmId));
    const error = stallOf(() => patient.barrier({ stallMs: 0 }));
    expect(error).toMatchObject({ waitsFor: 'lock', thread: dead.id });
    // Twenty pages of one mm: their callbacks wait for its lock once, and not each.
    expect(waits.count).toBe(1);
  });

  it('is named for a table, and not who waits for it in a section', () => {
    const scene = makeScene();
    const { heap, thread, dead } = scene;
    const space = createSpace(thread);
    space.mapPage(0, 0x1000, PROT.read);
    const locks = Array.from({ length: heap.pagesMax }, (_, pfn) => pfn);
    const taken = locks.map((pfn) =>
      tableLock(heap, (heap.pagesAt + (pfn << heap.pageShift)) as Word),
    );
    for (const lock of taken) hold(scene, lock);
    const error = stallOf(() => space.mapPage(0x1000, 0x1000, PROT.read));
    expect(error).toMatchObject({ waitsFor: 'lock', threadName: 'dead' });
    expect(error.message).toMatch(/holds the lock of the tables in page \d+/);
    expect(thread.blocker()).toMatchObject({ cause: 'lock', thread: dead.id });
  });
});

describe('a dead thread at a queue', () => {
  it.each([
    ['QUEUE_LOCK', 'queue', 'holds the queue of thread 0', 'L1'],
    ['QUEUE_RUNNERS', 'callbacks', 'still runs callbacks', 'R3'],
  ] as const)('is named: %s', (field, waitsFor, says, rule) => {
    const { heap, thread, dead } = makeScene();
    const mm = thread.createMm();
    thread.freeTable(mm, thread.allocTable(mm));
    const word = (id: number, name: keyof typeof THREAD): Word =>
      at(threadRecord(heap, id as typeof thread.id), THREAD[name]);
    heap.mem.store(word(thread.id, field), dead.id + 1);
    heap.mem.store(word(dead.id, 'IN_CALLBACK'), thread.id + 1);
    const error = stallOf(() => thread.barrier({ stallMs: 5 }));
    expect(error).toMatchObject({ waitsFor, thread: dead.id, threadName: 'dead' });
    expect(error.message).toContain(`thread 1 (dead) ${says}`);
    expect(thread.blocker()).toMatchObject({ cause: waitsFor, name: 'dead' });
    expect(thread.check().map((violation) => violation.rule)).toContain(rule);
  });
});

describe('an operation that was broken off', () => {
  it('is told at once, by the lock that its thread still has', () => {
    const { heap, thread } = makeScene();
    const mm = thread.createMm();
    heap.mem.store(ownerOf(heap, mm as MmId), thread.id + 1);
    const error = stallOf(() => thread.allocTable(mm));
    expect(error).toMatchObject({ thread: thread.id, forMs: 0 });
    expect(error.message).toContain('this thread has itself');
  });
});

/** Operations on ranges that wait for a lock in vain: what they say of what they have done. */
import { type AttachedThread, attach, createHeap, StallError } from 'ptfrag';
import { type AddressSpace, createSpace, openSpace, PROT } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import type { KindId, MmId, Vpn, Word } from '#src/core/base/units.js';
import { ownerOf } from '#src/core/frag/mm.js';
import { headerWord } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { formatOf } from '#src/core/pgtable/formats/index.js';
import { findTable, tableLock } from '#src/core/pgtable/lock.js';
import { spaceOf } from '#src/core/pgtable/space.js';

const PAGE_BYTES = 4096;
const TABLE_BYTES = 512 * PAGE_BYTES;
const TABLES = 4;
const ALL_BYTES = TABLES * TABLE_BYTES;
/** The table whose lock a dead thread has. */
const HELD = 2;

interface Scene {
  readonly thread: AttachedThread;
  readonly space: AddressSpace;
  readonly letGo: () => void;
}

/** A space of four full tables, and a thread that died in the lock of the third. */
function makeScene(lockStallMs = 0): Scene {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 64, threadsMax: 3 });
  const thread = attach(buffer, { lockStallMs });
  const dead = attach(buffer, { name: 'dead' });
  const space = createSpace(thread);
  space.mapRange(0, ALL_BYTES, 0, PROT.read | PROT.write);
  const core = thread.attachment.operations.here();
  const lowest = findTable(
    spaceOf(core, formatOf(core.heap), space.mm as MmId),
    (HELD * 512) as Vpn,
    0,
  ) as Word;
  const lock = tableLock(core.heap, lowest);
  core.mem.store(lock, dead.id + 1);
  return { thread, space, letGo: () => core.mem.store(lock, 0) };
}

async function stallOf(action: () => unknown): Promise<StallError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof StallError) return error;
    throw error;
  }
  throw new Error('nothing was waited for');
}

function begin(
  space: AddressSpace,
  name: 'unmapRangeAsync' | 'protectAsync' | 'exitAsync' | 'forkAsync',
  signal: AbortSignal = new AbortController().signal,
): Promise<unknown> {
  if (name === 'exitAsync' || name === 'forkAsync') return space[name]({ signal });
  if (name === 'unmapRangeAsync') return space.unmapRangeAsync(0, ALL_BYTES, { signal });
  return space.protectAsync(0, ALL_BYTES, PROT.read, { signal });
}

const CALLS: Record<string, (space: AddressSpace) => unknown> = {
  unmapRange: (space) => space.unmapRange(0, ALL_BYTES),
  unmapRangeAsync: (space) => space.unmapRangeAsync(0, ALL_BYTES),
  protect: (space) => space.protect(0, ALL_BYTES, PROT.read),
  protectAsync: (space) => space.protectAsync(0, ALL_BYTES, PROT.read),
};

describe('a range that waits for a lock in vain', () => {
  it.each(Object.keys(CALLS))('%s says how far it got, and goes on from there', async (name) => {
    const { thread, space, letGo } = makeScene();
    const call = CALLS[name] as (typeof CALLS)[string];
    const error = await stallOf(() => call(space));
    const method = name.replace('Async', '');
    expect(error.threadName).toBe('dead');
    expect(error.message.startsWith(`${method}: waiting for a lock`)).toBe(true);
    expect(error.unfinished).toBe(
      '1024 of 2048 pages from 0x0 on are done; call it again, from 0x400000 on',
    );
    letGo();
    const rest = await (method === 'protect'
      ? space.protect(0x400000, ALL_BYTES - 0x400000, PROT.read)
      : space.unmapRange(0x400000, ALL_BYTES - 0x400000));
    expect(rest).toBe(1024);
    expect(thread.check()).toEqual([]);
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it.each(['exit', 'exitAsync'] as const)(
    '%s says so, and ends it when called again',
    async (name) => {
      const { thread, space, letGo } = makeScene();
      const error = await stallOf(() => space[name]());
      expect(error.message.startsWith('exit: waiting for a lock')).toBe(true);
      expect(error.unfinished).toBe(
        'the first 1024 pages are unmapped, and the space is there: call it again',
      );
      letGo();
      await space[name]();
      thread.barrier();
      expect(thread.check({ drained: true })).toEqual([]);
    },
  );

  it.each(['unmapRangeAsync', 'protectAsync', 'exitAsync', 'forkAsync'] as const)(
    '%s lets the event loop go on, and goes on itself when it can',
    async (name) => {
      const { thread, space, letGo } = makeScene(3000);
      const order: string[] = [];
      const done = begin(space, name).then(() => order.push('over'));
      await new Promise((resolve) => setTimeout(resolve, 0));
      order.push('the loop went on');
      letGo();
      await done;
      expect(order).toEqual(['the loop went on', 'over']);
      expect(thread.check()).toEqual([]);
    },
  );

  it.each(['unmapRangeAsync', 'protectAsync', 'exitAsync', 'forkAsync'] as const)(
    '%s hears its signal while it waits for a lock',
    async (name) => {
      const { thread, space, letGo } = makeScene(3000);
      const control = new AbortController();
      const done = begin(space, name, control.signal);
      setTimeout(() => control.abort(new Error('enough')), 0);
      await expect(done).rejects.toThrow('enough');
      letGo();
      space.exit();
      thread.barrier();
      expect(thread.check({ drained: true })).toEqual([]);
    },
  );

  it('allocTableAsync does so too, for the lock of its mm and for that of the supply', async () => {
    for (const which of ['mm', 'supply']) {
      const { thread, space, letGo } = makeScene(3000);
      letGo();
      const core = thread.attachment.operations.here();
      const lock =
        which === 'mm' ? ownerOf(core.heap, space.mm as MmId) : headerWord(HEAP.SUPPLY_LOCK);
      core.mem.store(lock, 2);
      const control = new AbortController();
      const aborted = thread.allocTableAsync(space.mm, 0 as KindId, { signal: control.signal });
      const waiting = thread.allocTableAsync(space.mm);
      setTimeout(() => control.abort(new Error('enough')), 0);
      await expect(aborted).rejects.toThrow('enough');
      core.mem.store(lock, 0);
      thread.freeTable(space.mm, await waiting);
      const impatient = attach((core.mem as SharedMemory).words.buffer, { lockStallMs: 0 });
      core.mem.store(lock, 2);
      const stalled = await stallOf(() => impatient.allocTableAsync(space.mm));
      expect(stalled.message.startsWith('allocTableAsync: waiting for a lock')).toBe(true);
      core.mem.store(lock, 0);
      expect(thread.check()).toEqual([]);
    }
  });

  it('mapRange has mapped nothing', async () => {
    const { thread, space, letGo } = makeScene();
    letGo();
    space.unmapRange(TABLE_BYTES, PAGE_BYTES);
    space.unmapRange(HELD * TABLE_BYTES, TABLE_BYTES - PAGE_BYTES);
    const core = thread.attachment.operations.here();
    const at = spaceOf(core, formatOf(core.heap), space.mm as MmId);
    const lock = tableLock(core.heap, findTable(at, (HELD * 512) as Vpn, 0) as Word);
    core.mem.store(lock, 2);
    const error = await stallOf(() => space.mapRange(HELD * TABLE_BYTES, PAGE_BYTES, 0, PROT.read));
    expect(error.message.startsWith('mapRange: waiting for a lock')).toBe(true);
    expect(error.unfinished).toBe(null);
    core.mem.store(lock, 0);
    expect(thread.check()).toEqual([]);
  });

  it('a child that can be made no more is ended', async () => {
    const { thread, space, letGo } = makeScene();
    const error = await stallOf(() => space.fork());
    expect(error.message.startsWith('fork: waiting for a lock')).toBe(true);
    expect(error.unfinished).toBe(null);
    letGo();
    thread.barrier();
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });

  it('a split gives its table back', async () => {
    const { thread, space, letGo } = makeScene();
    letGo();
    expect(space.collapse(0, 0, PROT.read)).toBe(true);
    const core = thread.attachment.operations.here();
    const at = spaceOf(core, formatOf(core.heap), space.mm as MmId);
    const lock = tableLock(core.heap, findTable(at, 0 as Vpn, 1) as Word);
    core.mem.store(lock, 2);
    await stallOf(() => space.split(0));
    await stallOf(() => openSpace(thread, space.mm as MmId).protect(0, PAGE_BYTES, PROT.read));
    core.mem.store(lock, 0);
    // Else it would be a table of the mm that is not the tree's, and exit refused.
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });
});

/** An s390 space in which the next table shares its page, and so its lock, with a dead thread. */
function makeSharedScene(lockStallMs: number): Scene & { readonly hold: (lock: Word) => void } {
  const { buffer } = createHeap({ geometry: 's390', pages: 64, threadsMax: 3 });
  const thread = attach(buffer, { lockStallMs });
  const dead = attach(buffer, { name: 'dead' });
  const space = createSpace(thread);
  space.mapPage(0, 0, PROT.read);
  const core = thread.attachment.operations.here();
  const table = findTable(
    spaceOf(core, formatOf(core.heap), space.mm as MmId),
    0 as Vpn,
    0,
  ) as Word;
  const lock = tableLock(core.heap, table);
  return {
    thread,
    space,
    hold: (word) => core.mem.store(word === 0 ? lock : word, dead.id + 1),
    letGo: () => core.mem.store(lock, 0),
  };
}

describe('a table that shares its lock with one that is locked', () => {
  const HOLE = 2 ** 20;

  it('says that it stays, empty, where it was linked before', async () => {
    const { thread, space, letGo, hold } = makeSharedScene(0);
    hold(0 as Word);
    const error = await stallOf(() => space.mapPage(HOLE, 0, PROT.read));
    expect(error.unfinished).toBe('a table that may be empty stays linked');
    const before = thread.tablesOf(space.mm);
    letGo();
    expect(space.unmapRange(HOLE, PAGE_BYTES)).toBe(0);
    expect(thread.tablesOf(space.mm)).toBe(before - 1);
  });

  it('is not made by what may not block', async () => {
    const { thread, space, letGo, hold } = makeSharedScene(1e9);
    hold(0 as Word);
    const tables = thread.tablesOf(space.mm);
    const control = new AbortController();
    const { signal } = control;
    const mapping = space.mapRangeAsync(HOLE, PAGE_BYTES, 0, PROT.read, { signal });
    setTimeout(() => control.abort(new Error('enough')), 0);
    await expect(mapping).rejects.toThrow('enough');
    expect(thread.tablesOf(space.mm)).toBe(tables);
    letGo();
  });

  it.each(['the table of mms', 'the page of the next table'])(
    'forkAsync waits for %s so, where all mms share pages',
    async (which) => {
      const { buffer } = createHeap({ geometry: 's390', sharing: 'all', pages: 64, threadsMax: 3 });
      const thread = attach(buffer, { lockStallMs: 3000 });
      const space = createSpace(thread);
      space.mapPage(0, 0, PROT.read);
      // A table of another mm: the page that the child's next one shares with it.
      const other = createSpace(thread);
      other.mapPage(0, 0, PROT.read);
      other.mapPage(HOLE, 0, PROT.read);
      const core = thread.attachment.operations.here();
      const at = spaceOf(core, formatOf(core.heap), other.mm as MmId);
      const next = findTable(at, (HOLE / PAGE_BYTES) as Vpn, 0) as Word;
      const table = headerWord(HEAP.MM_TABLE_LOCK);
      const lock = which === 'the table of mms' ? table : tableLock(core.heap, next);
      core.mem.store(lock, attach(buffer, { name: 'dead' }).id + 1);
      const control = new AbortController();
      setTimeout(() => control.abort(new Error('enough')), 0);
      const done = space.forkAsync({ signal: control.signal });
      await expect(done).rejects.toThrow('enough');
      core.mem.store(lock, 0);
      for (const each of [space, other]) each.exit();
      thread.barrier();
      expect(thread.check({ drained: true })).toEqual([]);
    },
  );

  it('is not made where a table above the top one is, by what may not block', async () => {
    const { thread, space, hold } = makeSharedScene(3000);
    const supply = headerWord(HEAP.SUPPLY_LOCK);
    // The lowest table would share the page that is listed; those above it take pages.
    hold(supply);
    const control = new AbortController();
    const { signal } = control;
    setTimeout(() => control.abort(new Error('enough')), 0);
    const far = 2 ** 42;
    const mapping = space.mapRangeAsync(far, PAGE_BYTES, 0, PROT.read, { signal });
    await expect(mapping).rejects.toThrow('enough');
    thread.memory.store(supply, 0);
    expect(thread.check()).toEqual([]);
  });

  it.each(['mapRangeAsync', 'forkAsync'] as const)('%s waits for the supply so', async (name) => {
    const { thread, space, hold } = makeSharedScene(1e9);
    // Its one listed page is full: the next table takes a page of the supply's.
    space.mapPage(HOLE, 0, PROT.read);
    const supply = headerWord(HEAP.SUPPLY_LOCK);
    hold(supply);
    const control = new AbortController();
    const { signal } = control;
    setTimeout(() => control.abort(new Error('enough')), 0);
    const done =
      name === 'forkAsync'
        ? space.forkAsync({ signal })
        : space.mapRangeAsync(2 * HOLE, PAGE_BYTES, 0, PROT.read, { signal });
    await expect(done).rejects.toThrow('enough');
    thread.memory.store(supply, 0);
    expect(thread.check()).toEqual([]);
  });
});

/** Operations on ranges that wait for a lock in vain: what they say of what they have done. */
import { type AttachedThread, attach, createHeap, StallError } from 'ptfrag';
import { type AddressSpace, createSpace, openSpace, PROT } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import type { Vpn, Word } from '#src/core/base/units.js';
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

/** A space of four full tables, and a thread that died in the third, or in a lock of the mm. */
function makeScene(held: 'table' | 'nothing' = 'table'): Scene {
  const { buffer } = createHeap({ geometry: 'riscv-sv39', pages: 64, threadsMax: 3 });
  const thread = attach(buffer, { lockStallMs: 0 });
  const dead = attach(buffer, { name: 'dead' });
  const space = createSpace(thread);
  space.mapRange(0, ALL_BYTES, 0, PROT.read | PROT.write);
  const core = thread.attachment.operations.here();
  const lowest = findTable(
    spaceOf(core, formatOf(core.heap), space.mm),
    (HELD * 512) as Vpn,
    0,
  ) as Word;
  const lock = tableLock(core.heap, lowest);
  if (held === 'table') core.mem.store(lock, dead.id + 1);
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

  it('mapRange has mapped nothing', async () => {
    const { thread, space, letGo } = makeScene();
    letGo();
    space.unmapRange(TABLE_BYTES, PAGE_BYTES);
    space.unmapRange(HELD * TABLE_BYTES, TABLE_BYTES - PAGE_BYTES);
    const core = thread.attachment.operations.here();
    const at = spaceOf(core, formatOf(core.heap), space.mm);
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
    const at = spaceOf(core, formatOf(core.heap), space.mm);
    const lock = tableLock(core.heap, findTable(at, 0 as Vpn, 1) as Word);
    core.mem.store(lock, 2);
    await stallOf(() => space.split(0));
    await stallOf(() => openSpace(thread, space.mm).protect(0, PAGE_BYTES, PROT.read));
    core.mem.store(lock, 0);
    // Else it would be a table of the mm that is not the tree's, and exit refused.
    space.exit();
    thread.barrier();
    expect(thread.check({ drained: true })).toEqual([]);
  });
});

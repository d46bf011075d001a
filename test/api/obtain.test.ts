/** Out of something, or only not yet: what a call does that finds nothing left. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type AttachedThread,
  attach,
  createHeap,
  LimitError,
  OutOfPagesError,
  type Table,
} from '#src/api/index.js';
import { createSpace, PROT } from '#src/api/pgtable/index.js';

const BLOCKS = {
  name: 'blocks',
  pageBytes: 256,
  kinds: [{ name: 'block', bytes: 256, perPage: 1, slotBytes: 256 }],
};
const RW = PROT.read | PROT.write;
const MAPPED = 4096 * 2000;

/** Two threads of a heap of `pages` blocks, all of them taken. */
function fullHeap(pages: number) {
  const { buffer } = createHeap({ geometry: BLOCKS, pages });
  const [thread, reader] = [attach(buffer), attach(buffer)];
  const pool = thread.createMm();
  const blocks = Array.from({ length: pages }, () => thread.allocTable(pool));
  return { thread, reader, pool, blocks: blocks as [Table, ...Table[]] };
}

/** What was thrown. */
function errorOf(operation: () => unknown): Error {
  try {
    operation();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/**
 * Lets the reader leave once the thread has gone to sleep so often. The clock stands still: however
 * long a busy machine takes for that, the thread's time is not up.
 */
function leavesDuring(reader: AttachedThread, thread: AttachedThread, sleeps: number): void {
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  const memory = thread.memory as { awaitChange: (...of: unknown[]) => unknown };
  const original = memory.awaitChange;
  let count = 0;
  memory.awaitChange = (...given): unknown => {
    count++;
    if (count === sleeps) reader.readUnlock();
    return original.apply(memory, given);
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a table', () => {
  it('is out when all are live: said at once, however long was asked for', () => {
    const { thread, pool } = fullHeap(4);
    const error = errorOf(() => thread.allocTable(pool, undefined, { waitMs: Infinity }));
    expect(error).toBeInstanceOf(OutOfPagesError);
    expect(error).toMatchObject({ code: 'out-of-pages', live: 4, pending: 0, blocker: null });
    expect(error.message).toMatch(/4 of 4 pages have live tables.*grow the heap/);
    expect(thread.tryAllocTable(pool)).toBe(null);
  });

  it('is not yet there while a reader holds it up: said with who that is', () => {
    const { thread, reader, pool, blocks } = fullHeap(4);
    reader.readLock();
    thread.freeTable(pool, blocks[0]);
    const error = errorOf(() => thread.allocTable(pool));
    expect(error).toMatchObject({ live: 3, pending: 1, blocker: { thread: reader.id } });
    expect(error.message).toContain(`thread ${reader.id} is inside a read section and holds it up`);
    expect(error.message).toContain('waitMs');
    expect(thread.tryAllocTable(pool)).toBe(null);
    reader.readUnlock();
    expect(thread.tryAllocTable(pool)).toBe(blocks[0]);
  });

  it.each<[string, { waitMs?: number }]>([
    ['unasked', {}],
    ['asked to', { waitMs: 60_000 }],
  ])('is waited for, %s', (_name, options) => {
    const { thread, reader, pool, blocks } = fullHeap(2);
    reader.readLock();
    thread.freeTable(pool, blocks[1] as Table);
    leavesDuring(reader, thread, 3);
    expect(thread.allocTable(pool, undefined, options)).toBe(blocks[1]);
  });

  it('is not waited for inside a section, which the error names', () => {
    const { thread, pool, blocks } = fullHeap(2);
    thread.readLock();
    thread.freeTable(pool, blocks[0]);
    const error = errorOf(() => thread.allocTable(pool));
    expect(error).toMatchObject({ pending: 1, blocker: { thread: thread.id } });
    expect(error.message).toContain('inside a read section');
    expect(errorOf(() => thread.allocTable(pool, undefined, { waitMs: 1 }))).toMatchObject({
      code: 'inside-reader',
    });
    expect(() => thread.allocTable(pool, undefined, { waitMs: 0 })).toThrow(OutOfPagesError);
    thread.readUnlock();
    expect(thread.allocTable(pool)).toBe(blocks[0]);
  });

  it.each([[Number.NaN], [-1], ['5'], [null], [5n]])('refuses waitMs: %s', async (waitMs) => {
    const { thread, reader, pool } = fullHeap(1);
    const options = { waitMs: waitMs as number };
    const refused = expect.objectContaining({ code: 'bad-option' });
    expect(() => thread.allocTable(pool, undefined, options)).toThrow(refused);
    expect(() => thread.createMm(options)).toThrow(refused);
    await expect(reader.allocTableAsync(pool, undefined, options)).rejects.toThrow(refused);
    expect(thread.check()).toEqual([]);
  });
});

describe('allocTableAsync', () => {
  it('gives what is there, and what a grace period brings back', async () => {
    const { thread, reader, pool, blocks } = fullHeap(2);
    reader.readLock();
    thread.freeTable(pool, blocks[0]);
    const coming = thread.allocTableAsync(pool);
    await new Promise((resolve) => setImmediate(resolve));
    reader.readUnlock();
    expect(await coming).toBe(blocks[0]);
    thread.freeTable(pool, blocks[1] as Table);
    expect(await thread.allocTableAsync(pool)).toBe(blocks[1]);
  });

  it('of several pages says that there are not so many in a row, where pages are free', () => {
    const one = { name: 'one', bytes: 4096, perPage: 1 };
    const kinds = [one, { name: 'four', bytes: 16384, perPage: 1, order: 2 }];
    const { buffer } = createHeap({ geometry: { name: 'x', pageBytes: 4096, kinds }, pages: 8 });
    const thread = attach(buffer);
    const pool = thread.createMm();
    const pages = Array.from({ length: 8 }, () => thread.allocTable(pool));
    const isKept = (page: Table): boolean => page === pages[3] || page === pages[7];
    for (const page of pages) if (!isKept(page)) thread.freeTable(pool, page);
    thread.barrier();
    const scattered = errorOf(() => thread.allocTable(pool, 1));
    expect(scattered).toMatchObject({ code: 'out-of-pages', live: 2, contiguous: 4 });
    const said =
      /^no 4 contiguous pages left for .*: 6 are free, but no 4 in a row from a multiple/;
    expect(scattered.message).toMatch(said);
    // Where none is free that is all that there is to say.
    while (thread.tryAllocTable(pool) !== null);
    expect(errorOf(() => thread.allocTable(pool, 1))).toMatchObject({ live: 8, contiguous: 1 });
    thread.freeTable(pool, pages[3] as Table);
    thread.barrier();
    const again = errorOf(() => thread.allocTable(pool, 1));
    expect(again.message).toContain('no 4 contiguous pages');
  });

  it('says at once that all are live', async () => {
    const { thread, pool } = fullHeap(2);
    const out = expect.objectContaining({ code: 'out-of-pages', live: 2, pending: 0 });
    await expect(thread.allocTableAsync(pool)).rejects.toThrow(out);
  });

  it('ends with the signal, with the thread and with its time, and loses nothing', async () => {
    const { thread, reader, pool, blocks } = fullHeap(2);
    reader.readLock();
    thread.freeTable(pool, blocks[0]);
    const control = new AbortController();
    const aborted = thread.allocTableAsync(pool, undefined, { signal: control.signal });
    const late = thread.allocTableAsync(pool, undefined, { waitMs: 1 });
    const left = thread.allocTableAsync(pool);
    control.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(late).rejects.toThrow(OutOfPagesError);
    thread.detach();
    await expect(left).rejects.toMatchObject({ code: 'detached' });
    reader.readUnlock();
    reader.barrier();
    expect(reader.tablesOf(pool)).toBe(1);
    expect(reader.check({ drained: true })).toEqual([]);
  });

  it('does not give a table that nobody gets, whenever the signal comes', async () => {
    const { thread, reader, pool, blocks } = fullHeap(8);
    for (const [turns, block] of blocks.entries()) {
      reader.readLock();
      thread.freeTable(pool, block);
      const control = new AbortController();
      const { signal } = control;
      const coming = thread.allocTableAsync(pool, undefined, { signal }).catch(() => null);
      reader.readUnlock();
      for (let turn = 0; turn < turns; turn++) await null;
      control.abort();
      const got = await coming;
      expect(thread.tablesOf(pool)).toBe(got === null ? 7 : 8);
      if (got === null) thread.allocTable(pool);
    }
  });
});

describe('a record of an mm', () => {
  it.each([1, 2, 3])('comes back for the next one, over and over: %i', (mmsMax) => {
    const { buffer } = createHeap({ geometry: BLOCKS, pages: 1, mmsMax });
    const thread = attach(buffer);
    for (let i = 0; i < 1000; i++) thread.destroyMm(thread.createMm());
    expect(thread.check()).toEqual([]);
  });

  it('is waited for past a reader, and the error says which it was', () => {
    const { buffer } = createHeap({ geometry: BLOCKS, pages: 1, mmsMax: 1 });
    const [thread, reader] = [attach(buffer), attach(buffer)];
    const mm = thread.createMm();
    expect(errorOf(() => thread.createMm())).toMatchObject({ live: 1, pending: 0 });
    reader.readLock();
    thread.destroyMm(mm);
    const error = errorOf(() => thread.createMm({ waitMs: 0 }));
    expect(error).toBeInstanceOf(LimitError);
    expect(error).toMatchObject({
      limit: 'mmsMax',
      live: 0,
      pending: 1,
      blocker: { thread: reader.id },
    });
    leavesDuring(reader, thread, 2);
    expect(thread.createMm({ waitMs: Infinity })).toBeGreaterThan(0);
  });

  it.each([1, 2, 4])('of forks does not wait behind their pages: %i', (spare) => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 512, mmsMax: 1 + spare });
    const thread = attach(buffer);
    const parent = createSpace(thread);
    parent.mapRange(0, MAPPED, 0, RW);
    for (let i = 0; i < 50; i++) parent.fork().exit();
    expect(thread.check()).toEqual([]);
  });

  it('of forks in slices does not either', async () => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 512, mmsMax: 2 });
    const parent = createSpace(attach(buffer));
    parent.mapRange(0, MAPPED, 0, RW);
    for (let i = 0; i < 10; i++) await (await parent.forkAsync()).exitAsync();
    expect(parent.check()).toEqual([]);
  });
});

describe('a record of a thread', () => {
  it('is out until one detaches: the error names who has them', () => {
    const { buffer } = createHeap({ geometry: BLOCKS, pages: 1, threadsMax: 2 });
    const threads = [attach(buffer), attach(buffer)];
    const error = errorOf(() => attach(buffer));
    expect(error).toMatchObject({ limit: 'threadsMax', max: 2 });
    expect(error.message).toContain('thread 0, thread 1 are attached');
    threads[0]?.detach();
    expect(attach(buffer).id).toBe(0);
  });
});

describe('page tables', () => {
  const WAITS: [string, (space: ReturnType<typeof createSpace>) => unknown][] = [
    ['mapPage', (space) => space.mapPage(2 ** 40, 0, RW)],
    ['mapRange', (space) => space.mapRange(2 ** 40, 4096, 0, RW)],
    ['mapRangeAsync', (space) => space.mapRangeAsync(2 ** 40, 4096, 0, RW)],
  ];

  it.each(WAITS)('are waited for past a reader: %s', async (_name, map) => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 4, mmsMax: 4 });
    const [thread, reader] = [attach(buffer), attach(buffer)];
    const [space, other] = [createSpace(thread), thread.createMm()];
    const pages: Table[] = [];
    for (;;) {
      const page = thread.tryAllocTable(other);
      if (page === null) break;
      pages.push(page);
    }
    expect(errorOf(() => space.mapPage(2 ** 40, 0, RW))).toMatchObject({ pending: 0 });
    reader.readLock();
    for (const page of pages) thread.freeTable(other, page);
    expect(errorOf(() => space.mapPage(2 ** 40, 0, RW, { waitMs: 0 }))).toMatchObject({
      pending: pages.length,
      blocker: { thread: reader.id },
    });
    leavesDuring(reader, thread, 2);
    const done = map(space);
    if (done instanceof Promise) reader.readUnlock();
    await done;
    expect(space.check()).toEqual([]);
  });

  it('come back while a long range goes on, and after it nearly all are back', () => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 2100, mmsMax: 4 });
    const thread = attach(buffer);
    const space = createSpace(thread);
    const bytes = 4096 * 1_000_000;
    const out = (): number => thread.pages().limit - thread.pages().free;
    space.mapRange(0, bytes, 0, RW);
    const most = out();
    expect(most).toBeGreaterThan(1900);
    space.unmapRange(0, bytes);
    expect(out()).toBeLessThan(most / 20);
  });

  it('come back while a range in slices goes on', async () => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 2100, mmsMax: 4 });
    const thread = attach(buffer);
    const space = createSpace(thread);
    const bytes = 4096 * 1_000_000;
    await space.mapRangeAsync(0, bytes, 0, RW);
    const late: number[] = [];
    const onProgress = (done: number, total: number): void => {
      const { limit, free } = thread.pages();
      if (done > total / 2) late.push(limit - free);
    };
    await space.unmapRangeAsync(0, bytes, { onProgress });
    expect(Math.min(...late)).toBeLessThan(100);
  });
});

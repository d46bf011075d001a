/** What was freed comes back as it falls due, in ordinary use, and piles up nowhere. */
import { describe, expect, it } from 'vitest';
import {
  type AttachedThread,
  attach,
  createHeap,
  type Geometry,
  type Table,
} from '#src/api/index.js';
import { createSpace, PROT } from '#src/api/pgtable/index.js';

const POOL: Geometry = {
  name: 'pool',
  pageBytes: 4096,
  kinds: [{ name: 'a', bytes: 256, perPage: 16 }],
};

function pagesOut(thread: AttachedThread): number {
  const { free, limit } = thread.pages();
  return limit - free;
}

describe('an allocation', () => {
  it.each([
    [17, 1],
    [200, 300],
  ])('does not fail while pages are ripe: %d half free, %d whole', (half, whole) => {
    const { buffer } = createHeap({ geometry: 's390', pages: half + whole, mmsMax: 4 });
    const thread = attach(buffer);
    const [a, b] = [thread.createMm(), thread.createMm()];
    const tables = Array.from({ length: 2 * (half + whole) }, () => thread.allocTable(a));
    thread.readLock();
    for (let i = 0; i < half; i++) thread.freeTable(a, tables[2 * i] as Table);
    for (const table of tables.slice(2 * half)) thread.freeTable(a, table);
    thread.readUnlock();
    expect(thread.allocTable(b)).toBeGreaterThan(0);
    expect(thread.check()).toEqual([]);
  });

  it.each(['alloc', 'barrier'])('finds what was freed while a grace period ran: %s', (how) => {
    const { buffer } = createHeap({ geometry: 's390', pages: 1, mmsMax: 4 });
    const thread = attach(buffer);
    const mm = thread.createMm();
    const [first, second] = [thread.allocTable(mm), thread.allocTable(mm)];
    thread.readLock();
    thread.freeTable(mm, first);
    thread.poll();
    thread.freeTable(mm, second);
    thread.readUnlock();
    if (how === 'alloc') expect(thread.allocTable(mm)).toBeGreaterThan(0);
    else {
      thread.barrier();
      expect(pagesOut(thread)).toBe(0);
    }
  });
});

describe('frees', () => {
  it('of whole spaces, over and over, hold a bounded number of pages', () => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 4096, mmsMax: 8 });
    const thread = attach(buffer);
    const parent = createSpace(thread);
    parent.mapRange(0, 4096 * 20_000, 0, PROT.read | PROT.write);
    const live = pagesOut(thread);
    for (let i = 0; i < 200; i++) parent.fork().exit();
    expect(pagesOut(thread)).toBeLessThan(4 * live);
  });

  it('of many tables at a time hold no more than those of a few rounds', () => {
    const { buffer } = createHeap({ geometry: 'generic', pages: 100_000, mmsMax: 8 });
    const thread = attach(buffer);
    const mm = thread.createMm();
    for (let round = 0; round < 64; round++) {
      const tables = Array.from({ length: 500 }, () => thread.allocTable(mm));
      for (const table of tables) thread.freeTable(mm, table);
    }
    expect(pagesOut(thread)).toBeLessThan(1000);
  });

  it('of an idle thread come back while another is busy', () => {
    const { buffer } = createHeap({ geometry: POOL, pages: 8, mmsMax: 3 });
    const [idle, busy] = [attach(buffer), attach(buffer)];
    const [theirs, ours] = [idle.createMm(), busy.createMm()];
    idle.freeTable(theirs, idle.allocTable(theirs));
    const before = pagesOut(busy);
    for (let i = 0; i < 100; i++) {
      const tables = Array.from({ length: 8 }, () => busy.allocTable(ours));
      for (const table of tables) busy.freeTable(ours, table);
    }
    // The idle one's page, or one of the busy one's, which has one page at a time.
    expect(pagesOut(busy)).toBeLessThanOrEqual(before);
    busy.barrier();
    expect(pagesOut(busy)).toBe(0);
  });
});

describe('a qsbr thread that is offline', () => {
  it.each<[string, (thread: AttachedThread) => unknown]>([
    ['poll', (thread) => thread.poll()],
    ['barrier', (thread) => thread.barrier()],
    ['mapPage', (thread) => createSpace(thread).mapPage(0, 0x400000, PROT.read)],
    [
      'allocTable and freeTable',
      (thread) => {
        const mm = thread.createMm();
        for (let i = 0; i < 40; i++) thread.freeTable(mm, thread.allocTable(mm));
      },
    ],
  ])('holds up nobody afterwards: %s', (_name, operation) => {
    const { buffer } = createHeap({ geometry: 's390', pages: 64, mmsMax: 8 });
    const [thread, qsbr] = [attach(buffer), attach(buffer, { flavour: 'qsbr' })];
    const mm = qsbr.createMm();
    qsbr.freeTable(mm, qsbr.allocTable(mm));
    qsbr.offline();
    operation(qsbr);
    thread.synchronize({ stallMs: 1000 });
    expect(thread.blocker()).toBe(null);
  });
});

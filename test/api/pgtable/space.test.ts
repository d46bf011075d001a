/** Address spaces as users have them: out of pages, progress and abort, what a walk costs. */
import { getHeapStatistics } from 'node:v8';
import { attach, createHeap, OutOfPagesError } from 'ptfrag';
import { createSpace, frameOf, NOT_MAPPED, PROT, protOf } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import type { Vpn } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import { collapse } from '#src/core/pgtable/collapse.js';
import { forkStep, prepareStep } from '#src/core/pgtable/fork.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { mapStep } from '#src/core/pgtable/map.js';
import { makeSpace, spaceOf } from '#src/core/pgtable/space.js';
import { checkTree } from '#src/core/pgtable/tree.js';
import { walk } from '#src/core/pgtable/walk.js';
import { makeHeap } from '../../support/heap.js';
import { expectWhole, setUp, walkAt } from '../../support/space.js';

const RW = PROT.read | PROT.write;
const PAGE = 4096;
/** Bytes of one table of small pages. */
const TABLE = 512 * PAGE;
/** A range that takes many slices. */
const MANY = 400_000;

describe('out of pages', () => {
  // The top table and three below it for the first page; then one for each table of small pages.
  const PAGES = 16;

  it('a range that is too large leaves nothing behind, and what fits can be mapped', () => {
    const { thread, space } = setUp({ pages: PAGES });
    space.mapRange(0, PAGE, 0, RW);
    const tables = thread.tablesOf(space.mm);
    expect(() => space.mapRange(TABLE, 20 * TABLE, 0, RW)).toThrow(OutOfPagesError);
    expect(thread.tablesOf(space.mm)).toBe(tables);
    expect(space.unmapRange(TABLE, 20 * TABLE)).toBe(0);
    expect(space.check()).toEqual([]);
    space.mapRange(TABLE, 12 * TABLE, 0, RW);
    expect(thread.pages().free).toBe(0);
    expect(() => space.mapPage(2 ** 40, 0, RW)).toThrow(OutOfPagesError);
    expect(thread.tablesOf(space.mm)).toBe(PAGES);
    space.exit();
    expectWhole(thread);
  });

  it('waits for nothing, but takes what a poll brings', () => {
    const { thread, space } = setUp({ pages: PAGES });
    space.mapRange(0, 13 * TABLE, 0, RW);
    space.unmapRange(0, 13 * TABLE);
    // All of them wait for a grace period, which nothing holds up.
    space.mapRange(0, 13 * TABLE, 0, RW);
    space.exit();
    expectWhole(thread);
  });

  it('fork leaves the parent as it was', () => {
    const { thread, space } = setUp({ pages: PAGES });
    space.mapRange(0, 7 * TABLE, 0, RW);
    expect(() => space.fork()).toThrow(OutOfPagesError);
    expect(protOf(walkAt(thread, space, 0))).toBe(RW);
    expect(space.check()).toEqual([]);
    space.unmapRange(TABLE, 6 * TABLE);
    const child = space.fork();
    expect(protOf(walkAt(thread, space, 0))).toBe(PROT.read);
    child.exit();
    space.exit();
    expectWhole(thread);
  });

  it('a large page that would have to be split stays, and so does all of the range', () => {
    const { thread, space } = setUp({ pages: 12 });
    space.mapRange(0, 9 * TABLE, 0, RW);
    expect(space.collapse(8 * TABLE, 0, RW)).toBe(true);
    space.mapRange(9 * TABLE, TABLE, 0, RW);
    expect(() => space.unmapRange(0, 8 * TABLE + PAGE)).toThrow(OutOfPagesError);
    expect(() => space.protect(8 * TABLE + PAGE, PAGE, PROT.read)).toThrow(OutOfPagesError);
    // A page of it is mapped, and to find that takes no table.
    expect(space.mapPage(8 * TABLE + PAGE, 0, RW)).toBe(false);
    expect(frameOf(walkAt(thread, space, 0))).toBe(0);
    expect(frameOf(walkAt(thread, space, 8 * TABLE + 511 * PAGE))).toBe(511);
    // The whole of it can go without a table.
    expect(space.unmapRange(0, 9 * TABLE)).toBe(9 * 512);
    space.exit();
    expectWhole(thread);
  });

  it('a space that can not be made, and a fork of too many', () => {
    const thread = attach(createHeap({ geometry: 'powerpc-radix-4k', pages: 15 }).buffer);
    expect(() => createSpace(thread)).toThrow(OutOfPagesError);
    expectWhole(thread);
    const { space } = setUp({ mmsMax: 1 });
    expect(() => space.fork()).toThrow(/mmsMax/);
  });
});

describe('ranges of millions of pages', () => {
  const OPTIONS = { pages: 4096, debug: false };

  /** Aborts at the first progress. */
  function abortSoon(): { signal: AbortSignal; onProgress: () => void; reason: Error } {
    const controller = new AbortController();
    const reason = new Error('enough');
    return { signal: controller.signal, reason, onProgress: () => controller.abort(reason) };
  }

  it('show progress, and let others have the thread', async () => {
    const { thread, space } = setUp(OPTIONS);
    const seen: [number, number][] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const onProgress = (done: number, total: number): void => void seen.push([done, total]);
    await space.mapRangeAsync(0, MANY * PAGE, 0, RW, { onProgress });
    expect(turns).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort(([a], [b]) => a - b));
    expect(seen.at(-1)).toEqual([MANY, MANY]);
    expect(await space.protectAsync(0, MANY * PAGE, PROT.read, { onProgress })).toBe(MANY);
    const child = await space.forkAsync({ onProgress });
    expect(await child.unmapRangeAsync(0, MANY * PAGE, { onProgress })).toBe(MANY);
    expect(child.check()).toEqual([]);
    await child.exitAsync({ onProgress });
    await space.exitAsync();
    clearInterval(timer);
    expectWhole(thread);
  });

  it('aborted, mapRange leaves nothing behind', async () => {
    const { thread, space } = setUp(OPTIONS);
    const { reason, ...options } = abortSoon();
    await expect(space.mapRangeAsync(0, MANY * PAGE, 0, RW, options)).rejects.toBe(reason);
    expect(thread.tablesOf(space.mm)).toBe(1);
    expect(walkAt(thread, space, 0)).toBe(NOT_MAPPED);
    await expect(space.mapRangeAsync(0, PAGE, 0, RW, options)).rejects.toBe(reason);
    expect(thread.tablesOf(space.mm)).toBe(1);
    space.exit();
    expectWhole(thread);
  });

  it('aborted, unmapRange, fork and exit leave a space that can be worked on', async () => {
    const { thread, space } = setUp(OPTIONS);
    space.mapRange(0, MANY * PAGE, 0, RW);
    const tables = thread.tablesOf(space.mm);
    for (const work of [
      (options: object) => space.forkAsync(options),
      (options: object) => space.unmapRangeAsync(0, MANY * PAGE, options),
      (options: object) => space.exitAsync(options),
    ]) {
      const { reason, ...options } = abortSoon();
      await expect(work(options)).rejects.toBe(reason);
      expect(space.check()).toEqual([]);
      expect(frameOf(walkAt(thread, space, (MANY - 1) * PAGE))).toBe(MANY - 1);
    }
    expect(walkAt(thread, space, 0)).toBe(NOT_MAPPED);
    expect(thread.tablesOf(space.mm)).toBeLessThan(tables);
    await space.exitAsync();
    expectWhole(thread);
  });

  it('are refused inside a section, before anything is changed', async () => {
    const { thread, space } = setUp();
    thread.readLock();
    const refused = { code: 'inside-reader' };
    await expect(space.mapRangeAsync(0, PAGE, 0, RW)).rejects.toMatchObject(refused);
    await expect(space.forkAsync()).rejects.toMatchObject(refused);
    thread.readUnlock();
    expect(walkAt(thread, space, 0)).toBe(NOT_MAPPED);
  });
});

describe('a walk', () => {
  it.each([
    ['generic', 0],
    ['generic', 2 ** 46],
    ['s390', 2 ** 52],
  ] as const)('of %s at %s allocates nothing', (geometry, base) => {
    const { thread, space } = setUp({ geometry, debug: false });
    space.mapRange(base, 64 * PAGE, 0, RW);
    const tlb = space.createTlb(16);
    // An array of mixed values keeps its numbers as they are, so that reading one allocates none.
    const addresses: unknown[] = ['', ...Array.from({ length: 65 }, (_, i) => base + i * PAGE)];
    const walkAll = (): number => {
      let found = 0;
      for (let round = 0; round < 1000; round++) {
        thread.readLock();
        for (let i = 1; i < addresses.length; i++) {
          found |= space.walk(addresses[i] as number);
          found |= space.walkCached(tlb, addresses[i] as number);
        }
        thread.readUnlock();
      }
      return found;
    };
    for (let warm = 0; warm < 10; warm++) walkAll();
    const grown = Array.from({ length: 5 }, () => {
      const before = getHeapStatistics().used_heap_size;
      walkAll();
      return getHeapStatistics().used_heap_size - before;
    });
    // One number for each of the 130,000 walks would be 2 MB. Statistics are some bytes themselves.
    expect(Math.min(...grown.map(Math.abs))).toBeLessThan(20_000);
  });
});

describe('a fork of small pages that have become a large one meanwhile', () => {
  it('takes out the table that it had prepared for them', () => {
    const { thread } = makeHeap({ geometry: 'generic', pagesMax: 32 });
    const format = formatNamed('generic');
    const [parent, child] = [createMm(thread), createMm(thread)].map((mm) =>
      spaceOf(thread, format, mm),
    ) as [ReturnType<typeof spaceOf>, ReturnType<typeof spaceOf>];
    for (const space of [parent, child]) makeSpace(space);
    const vpn = 512 as Vpn;
    mapStep(parent, vpn, 4, 0, RW);
    prepareStep(parent, child, vpn, 512);
    collapse(parent, vpn, TABLE, RW);
    expect(forkStep(parent, child, vpn, 512)).toMatchObject({ kind: 'done', changed: 512 });
    expect(checkTree(child)).toEqual([]);
    expect(frameOf(walk(child, vpn))).toBe(512);
  });
});

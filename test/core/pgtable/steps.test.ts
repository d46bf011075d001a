/** What one step of an operation on page tables does, and how far it goes, on one thread. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { MmId, Vpn, Word } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import { type Thread, withLockWaits } from '#src/core/mem/heap.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { collapse, depositTable, isLarge, split } from '#src/core/pgtable/collapse.js';
import { highWord, lowWord } from '#src/core/pgtable/entry.js';
import { forkStep, prepareStep } from '#src/core/pgtable/fork.js';
import { LARGE, PROT, PTE } from '#src/core/pgtable/format.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { installTables, STILL_LINKED } from '#src/core/pgtable/install.js';
import { findTable, tableLock } from '#src/core/pgtable/lock.js';
import { mapStep, protectStep, type Step, scanStep, unmapStep } from '#src/core/pgtable/map.js';
import {
  endSpace,
  entryFor,
  makeSpace,
  rootOf,
  type Space,
  spaceOf,
} from '#src/core/pgtable/space.js';
import { checkTree, countTables } from '#src/core/pgtable/tree.js';
import { frameOf, NOT_MAPPED, protOf, walk } from '#src/core/pgtable/walk.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkDrained, makeHeap } from '../../support/heap.js';

const FORMAT = formatNamed('generic');
const PAGE_BYTES = 4096;
const RW = PROT.read | PROT.write;

/** Pages of one table, and of the table above that. */
const [SPAN, SPAN_ABOVE] = [512, 512 * 512];

/** Page numbers, as these tests write them. */
const vpn = (page: number): Vpn => page as Vpn;

describe('a step', () => {
  let thread: Thread;
  let space: Space;

  beforeEach(() => {
    ({ thread } = makeHeap({ geometry: 'generic', pagesMax: 256 }));
    space = newSpace();
  });

  function newSpace(): Space {
    const made = spaceOf(thread, FORMAT, createMm(thread));
    expect(makeSpace(made)).toBe(true);
    return made;
  }

  function map(page: number, frame: number, count = 1, prot: number = RW): void {
    for (let done = 0; done < count; ) {
      const address = (frame + done) * PAGE_BYTES;
      const step = mapStep(space, vpn(page + done), count - done, address, prot);
      if (step.kind !== 'done') throw new Error(step.kind);
      done += step.pages;
    }
  }

  function found(page: number, of = space): number | null {
    rcuReadLock(thread);
    const walked = walk(of, vpn(page));
    rcuReadUnlock(thread);
    return walked === NOT_MAPPED ? null : frameOf(walked);
  }

  /** As `found`, and what the page allows. */
  function allowed(page: number, of = space): number | null {
    rcuReadLock(thread);
    const walked = walk(of, vpn(page));
    rcuReadUnlock(thread);
    return walked === NOT_MAPPED ? null : protOf(walked);
  }

  const done = (pages: number, changed: number): Step => ({ kind: 'done', pages, changed });

  /** Takes all down: nothing is left of the tables, in the tree or elsewhere. */
  function end(of = space): void {
    for (let page = 0; page < 2 ** 36; ) {
      const step = unmapStep(of, vpn(page), 2 ** 36 - page);
      if (step.kind !== 'done') throw new Error(step.kind);
      page += step.pages;
    }
    expect(countTables(of)).toBe(1);
    expect(endSpace(of)).toBe(true);
    expect(rootOf(of)).toBe(0);
  }

  const makeLarge = (page: number, frame: number): void => {
    map(page, 1);
    expect(collapse(space, vpn(page), frame * PAGE_BYTES, RW)).toBe(true);
  };

  describe.each<[string, (page: number, count: number) => Step]>([
    ['unmap', (page, count) => unmapStep(space, vpn(page), count)],
    ['protect', (page, count) => protectStep(space, vpn(page), count, PROT.read)],
    ['scan', (page, count) => scanStep(space, vpn(page), count)],
    ['prepare', (page, count) => prepareStep(space, newSpace(), vpn(page), count)],
    ['fork', (page, count) => forkStep(space, newSpace(), vpn(page), count)],
  ])('of %s', (_, step) => {
    it('ends where the table ends', () => {
      map(SPAN, 1);
      expect(step(SPAN + 3, 3)).toEqual(done(3, 0));
      expect(step(SPAN + 3, SPAN)).toEqual(done(SPAN - 3, 0));
    });

    it('skips a hole up to the next table, or as far as it is asked', () => {
      map(3 * SPAN, 1);
      expect(step(0, SPAN_ABOVE)).toEqual(done(3 * SPAN, 0));
      expect(step(5, SPAN_ABOVE)).toEqual(done(3 * SPAN - 5, 0));
      expect(step(2 * SPAN, 4)).toEqual(done(4, 0));
      expect(step(SPAN, SPAN + 4)).toEqual(done(SPAN + 4, 0));
      expect(step(4 * SPAN, 2 * SPAN_ABOVE)).toEqual(done(SPAN_ABOVE - 4 * SPAN, 0));
    });
  });

  it('does all pages of a table that are meant, and no others', () => {
    map(0, 100, 8);
    expect(protectStep(space, vpn(2), 3, PROT.read)).toEqual(done(3, 3));
    expect([0, 1, 2, 3, 4, 5].map((page) => allowed(page))).toEqual([RW, RW, 1, 1, 1, RW]);
    expect(unmapStep(space, vpn(1), 3)).toEqual(done(3, 3));
    expect([0, 1, 2, 3, 4].map((page) => found(page))).toEqual([100, null, null, null, 104]);
    expect(scanStep(space, vpn(1), 3)).toEqual(done(3, 0));
    expect(scanStep(space, vpn(1), 4)).toEqual({ kind: 'mapped', vpn: 4 });
    expect(mapStep(space, vpn(1), 4, 0, RW)).toEqual({ kind: 'mapped', vpn: 4 });
    expect(mapStep(space, vpn(1), 3, 7 * PAGE_BYTES, RW)).toEqual(done(3, 3));
    expect([0, 1, 2, 3, 4].map((page) => found(page))).toEqual([100, 7, 8, 9, 104]);
    end();
    checkDrained(thread);
  });

  it('does a large frame whole, or says that it is large', () => {
    makeLarge(SPAN, SPAN);
    map(2 * SPAN, 5);
    const large = { kind: 'large', vpn: SPAN };
    expect(protectStep(space, vpn(SPAN), SPAN - 1, PROT.read)).toEqual(large);
    expect(unmapStep(space, vpn(SPAN), SPAN - 1)).toEqual(large);
    expect(unmapStep(space, vpn(SPAN + 1), SPAN)).toEqual({ kind: 'large', vpn: SPAN + 1 });
    expect([allowed(SPAN), found(2 * SPAN - 1)]).toEqual([RW, 2 * SPAN - 1]);
    expect(scanStep(space, vpn(SPAN + 7), 1)).toEqual({ kind: 'mapped', vpn: SPAN + 7 });
    expect(mapStep(space, vpn(SPAN + 7), 1, 0, RW)).toEqual({ kind: 'mapped', vpn: SPAN + 7 });
    expect(protectStep(space, vpn(SPAN), 2 * SPAN, PROT.read)).toEqual(done(SPAN, SPAN));
    expect([allowed(SPAN), allowed(2 * SPAN - 1), allowed(2 * SPAN)]).toEqual([1, 1, RW]);
    expect([isLarge(space, vpn(SPAN)), isLarge(space, vpn(2 * SPAN))]).toEqual([true, false]);
    expect(isLarge(space, vpn(SPAN_ABOVE))).toBe(false);
    expect(unmapStep(space, vpn(SPAN), SPAN)).toEqual(done(SPAN, SPAN));
    expect([found(SPAN), found(2 * SPAN - 1), found(2 * SPAN)]).toEqual([null, null, 5]);
    end();
    checkDrained(thread);
  });

  it('does no more than a large frame, whatever comes behind', () => {
    makeLarge(SPAN, SPAN);
    for (const count of [SPAN, 2 * SPAN, SPAN_ABOVE]) {
      expect(protectStep(space, vpn(SPAN), count, PROT.read)).toEqual(done(SPAN, SPAN));
    }
    expect(unmapStep(space, vpn(SPAN), 3 * SPAN)).toEqual(done(SPAN, SPAN));
  });

  it('of a collapse empties its own table, and none beside it', () => {
    const spans = [0, 1, 2, 3, 4];
    for (const span of spans) map(span * SPAN, span + 1);
    for (const span of spans) map(span * SPAN + SPAN - 1, span + 100);
    expect(collapse(space, vpn(2 * SPAN), 0, RW)).toBe(true);
    for (const span of spans.filter((each) => each !== 2)) {
      expect([found(span * SPAN), found(span * SPAN + SPAN - 1)]).toEqual([span + 1, span + 100]);
    }
    end();
    checkDrained(thread);
  });

  it('takes no word of the header for an entry where there is no table', () => {
    const index = 300;
    thread.mem.poke((2 * index) as Word, FORMAT.leafLow(LARGE, 0, RW));
    expect(isLarge(space, vpn(index * SPAN))).toBe(false);
  });

  it('of a split writes both words of each entry, and leaves none of the large frame', () => {
    map(SPAN, 1);
    expect(collapse(space, vpn(SPAN), SPAN * PAGE_BYTES, PROT.read)).toBe(true);
    const deposited = depositTable(space) as Word;
    expect(split(space, vpn(SPAN), deposited)).toBe(true);
    expect([isLarge(space, vpn(SPAN)), checkTree(space)]).toEqual([false, []]);
    for (const index of [0, 1, SPAN - 1]) {
      const entry = entryFor(FORMAT, PTE, deposited, vpn(index));
      const address = (SPAN + index) * PAGE_BYTES;
      const words = [lowWord(entry), highWord(entry)].map((word) => thread.mem.load(word));
      expect(words).toEqual([
        FORMAT.leafLow(PTE, address, PROT.read),
        FORMAT.leafHigh(PTE, address, PROT.read),
      ]);
      expect(words[1]).not.toBe(0);
    }
    end();
    checkDrained(thread);
  });

  it('leaves what is no entry, and the check of the tree says where that is', () => {
    map(0, 5);
    rcuReadLock(thread);
    const entry = entryFor(FORMAT, PTE, findTable(space, vpn(0), PTE) as Word, vpn(3));
    rcuReadUnlock(thread);
    expect(checkTree(space)).toEqual([]);
    thread.mem.store(lowWord(entry), 2);
    const detail = `entry ${entry}, level 0, is no entry`;
    expect(checkTree(space)).toEqual([{ rule: 'T2', detail }]);
  });

  it('of a fork copies small and large frames, and takes the right to write from both', () => {
    makeLarge(SPAN, SPAN);
    map(2 * SPAN + 3, 5);
    map(2 * SPAN + 4, 6, 1, PROT.read);
    const child = newSpace();
    expect(forkStep(space, child, vpn(0), SPAN_ABOVE)).toEqual(done(SPAN, 0));
    expect(countTables(child)).toBe(1);
    expect(prepareStep(space, child, vpn(SPAN), SPAN)).toEqual(done(SPAN, 0));
    expect(countTables(child)).toBe(3);
    expect(forkStep(space, child, vpn(SPAN), SPAN_ABOVE)).toEqual(done(SPAN, SPAN));
    expect(forkStep(space, child, vpn(2 * SPAN), SPAN_ABOVE)).toEqual(done(SPAN, 2));
    expect([isLarge(child, vpn(SPAN)), countTables(child)]).toEqual([true, 4]);
    const pages = [SPAN, 2 * SPAN - 1, 2 * SPAN + 2, 2 * SPAN + 3, 2 * SPAN + 4];
    for (const of of [space, child]) {
      expect(pages.map((page) => found(page, of))).toEqual([SPAN, 2 * SPAN - 1, null, 5, 6]);
      expect(pages.map((page) => allowed(page, of))).toEqual([1, 1, null, 1, 1]);
      expect(checkTree(of)).toEqual([]);
    }
    end();
    end(child);
    checkDrained(thread);
  });

  it('of a map that gives up its wait says whether a table may be left empty', () => {
    const other = attachThread(thread.heap, 'epoch');
    const hasty = withLockWaits(other, { lookMs: 1, stallMs: 2 });
    installTables(space, vpn(0), 0);
    rcuReadLock(thread);
    const lock = tableLock(thread.heap, findTable(space, vpn(0), 0) as Word);
    rcuReadUnlock(thread);
    const stalls = (): void => void mapStep(spaceOf(hasty, FORMAT, space.mm), vpn(0), 1, 0, RW);
    acquire(thread, lock);
    expect(stalls).toThrow(expect.objectContaining({ unfinished: STILL_LINKED }));
    release(thread, lock);
    map(1, 5);
    acquire(thread, lock);
    expect(stalls).toThrow(expect.objectContaining({ name: 'StallError', unfinished: null }));
    release(thread, lock);
    end();
  });

  it('does not end a space in which a page is mapped, or of which a table is left', () => {
    map(2 ** 36 - 1, 5);
    expect([endSpace(space), found(2 ** 36 - 1)]).toEqual([false, 5]);
    unmapStep(space, vpn(2 ** 36 - 1), 1);
    installTables(space, vpn(0), 2);
    expect([endSpace(space), countTables(space)]).toEqual([false, 2]);
    end();
  });

  it.each([0, -1, 9, 1.5])('has no space of mm %d', (mm) => {
    expect(() => spaceOf(thread, FORMAT, mm as MmId)).toThrow(
      expect.objectContaining({ code: 'no-such-mm' }),
    );
  });
});

/** Page tables at their edges: no tree, no page beyond, no pages left, and damaged entries. */
import { beforeEach, describe, expect, it } from 'vitest';
import { at, type Vpn, type Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { createMm } from '#src/core/frag/mm.js';
import { headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP, MM } from '#src/core/mem/layout.js';
import { collapse, isLarge, split } from '#src/core/pgtable/collapse.js';
import { lowWord, tableLow } from '#src/core/pgtable/entry.js';
import { extentOf, forkStep, prepareStep } from '#src/core/pgtable/fork.js';
import { LARGE, PROT, PTE } from '#src/core/pgtable/format.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { installTables, reclaimEmpty, reclaimTables } from '#src/core/pgtable/install.js';
import { findTable, lockInTheWay } from '#src/core/pgtable/lock.js';
import { mapStep, protectStep, scanStep, unmapStep } from '#src/core/pgtable/map.js';
import {
  endSpace,
  entryFor,
  growSpace,
  levelOf,
  makeSpace,
  type Space,
  spaceOf,
} from '#src/core/pgtable/space.js';
import { checkTree, countTables } from '#src/core/pgtable/tree.js';
import { NOT_MAPPED, walk } from '#src/core/pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkUnchanged, makeHeap, snapshot } from '../../support/heap.js';

const FORMAT = formatNamed('generic');
const PAGES = 2 ** 36;

const vpn = (page: number): Vpn => page as Vpn;

describe('page tables', () => {
  let thread: Thread;
  let space: Space;

  function setUp(pagesMax: number): void {
    ({ thread } = makeHeap({ geometry: 'generic', pagesMax }));
    space = newSpace();
  }

  beforeEach(() => setUp(32));

  function newSpace(): Space {
    const made = spaceOf(thread, FORMAT, createMm(thread));
    expect(makeSpace(made)).toBe(true);
    return made;
  }

  function inSection<Result>(act: () => Result): Result {
    rcuReadLock(thread);
    const result = act();
    rcuReadUnlock(thread);
    return result;
  }

  it('that are gone have nothing, to whatever step', () => {
    const child = newSpace();
    expect(extentOf(space)).toBe(PAGES);
    expect(endSpace(space)).toBe(true);
    const nothing = { kind: 'done', pages: 7, changed: 0 };
    expect([
      unmapStep(space, vpn(3), 7),
      protectStep(space, vpn(3), 7, PROT.read),
      scanStep(space, vpn(3), 7),
      prepareStep(space, child, vpn(3), 7),
      forkStep(space, child, vpn(3), 7),
    ]).toEqual(new Array(5).fill(nothing));
    reclaimEmpty(space, vpn(3));
    reclaimTables(space, vpn(3), 0);
    expect(inSection(() => walk(space, vpn(3)))).toBe(NOT_MAPPED);
    expect(inSection(() => findTable(space, vpn(3), 0))).toBe(0);
    expect([extentOf(space), countTables(space), checkTree(space)]).toEqual([0, 0, []]);
    expect([isLarge(space, vpn(3)), collapse(space, vpn(0), 0, PROT.read)]).toEqual([false, false]);
    expect(split(space, vpn(0), 0 as Word)).toBe(false);
    expect(lockInTheWay(space, vpn(3), false)).toBe(0);
    const noSpace = expect.objectContaining({ code: 'no-space' });
    for (const act of [growSpace, installTables]) {
      expect(() => act(space, vpn(3), 0)).toThrow(noSpace);
    }
    expect(() => endSpace(space)).toThrow(noSpace);
  });

  it('have nothing to take out where no table is, and nothing changes', () => {
    const { heap } = thread;
    for (const level of [4, 5]) expect(inSection(() => findTable(space, vpn(0), level))).toBe(0);
    for (const installed of [2, 1]) {
      const before = snapshot(heap);
      reclaimTables(space, vpn(0), 0);
      checkUnchanged(heap, before);
      installTables(space, vpn(0), installed);
    }
    const before = snapshot(heap);
    reclaimTables(space, vpn(0), 0);
    checkUnchanged(heap, before);
  });

  it.each([-1, PAGES, Number.NaN])('do not grow to page %d', (page) => {
    expect(() => growSpace(space, vpn(page))).toThrow(
      expect.objectContaining({ code: 'bad-address' }),
    );
    expect(growSpace(space, vpn(PAGES - 1))).toBe('grown');
    expect(unmapStep(space, vpn(PAGES), 5)).toEqual({ kind: 'done', pages: 5, changed: 0 });
    expect(inSection(() => walk(space, vpn(PAGES)))).toBe(NOT_MAPPED);
  });

  it('say so where no page is left, and a fork has changed nothing then', () => {
    setUp(6);
    expect(mapStep(space, vpn(0), 1, 4096, PROT.read | PROT.write).kind).toBe('done');
    const child = newSpace();
    for (const act of [prepareStep, forkStep]) {
      expect(act(space, child, vpn(0), 1)).toEqual({ kind: 'no-page' });
    }
    expect(mapStep(space, vpn(PAGES - 1), 1, 4096, PROT.read)).toEqual({ kind: 'no-page' });
    expect(protectStep(space, vpn(0), 1, PROT.read).kind).toBe('done');
  });

  it.each([
    ['before the pages', () => 1024 as Word],
    ['behind the last', () => thread.heap.words as Word],
  ])('stop where an entry names what lies %s', (_, table) => {
    installTables(space, vpn(0), LARGE);
    const above = inSection(() => findTable(space, vpn(0), LARGE)) as Word;
    const entry = entryFor(FORMAT, LARGE, above, vpn(0));
    thread.mem.store(lowWord(entry), tableLow(levelOf(FORMAT, LARGE), table()));
    rcuReadLock(thread);
    expect(() => findTable(space, vpn(0), PTE)).toThrow('is named as a table, and lies in no page');
    expect(thread.mem.load(headerWord(HEAP.BROKEN))).toBe(12);
  });

  it('stop where their root names what is no table', () => {
    thread.mem.store(at(space.record, MM.ROOT), 1024 | 4);
    rcuReadLock(thread);
    expect(() => findTable(space, vpn(0), PTE)).toThrow('1024 is named as a table');
  });

  it('are told to be wrong where a table is named twice, or by nobody', () => {
    installTables(space, vpn(0), PTE);
    const above = inSection(() => findTable(space, vpn(0), LARGE)) as Word;
    const [first, second] = [0, 512].map((page) => entryFor(FORMAT, LARGE, above, vpn(page)));
    const [one, two] = [first, second].map((entry) => lowWord(entry as Word)) as [Word, Word];
    thread.mem.store(two, thread.mem.load(one));
    const table = inSection(() => findTable(space, vpn(0), PTE));
    expect(checkTree(space)).toEqual([
      { rule: 'T1', detail: `two entries name table ${table}, level 0` },
    ]);
    expect(countTables(space)).toBe(5);
    thread.mem.store(two, levelOf(FORMAT, LARGE).emptyLow);
    expect([countTables(space), checkTree(space)]).toEqual([4, []]);
    allocTable(thread, space.mm, levelOf(FORMAT, PTE).kind);
    expect(checkTree(space)).toEqual([
      { rule: 'T1', detail: `mm ${space.mm} has 5 tables, its tree 4` },
    ]);
  });
});

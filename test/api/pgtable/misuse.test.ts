/** What is no right use of an address space, and what comes of it: the table of docs/pgtable.md. */
import { attach, createHeap } from 'ptfrag';
import {
  type AddressSpace,
  createSpace,
  frameOf,
  NOT_MAPPED,
  openSpace,
  PROT,
} from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import { codeOf, expectWhole, setUp, walkAt } from '../../support/space.js';

const RW = PROT.read | PROT.write;
const PAGE = 4096;
/** Bytes of one table of small pages. */
const TABLE = 512 * PAGE;
const MIB = 2 ** 20;

describe('misuse of an address space', () => {
  const GIB_4 = 2 ** 32;
  const CASES: readonly (readonly [string, string, (space: AddressSpace) => unknown])[] = [
    ['a virtual address inside a page', 'unaligned', (s) => s.mapPage(PAGE + 8, 0, RW)],
    ['a bigint inside a page', 'unaligned', (s) => s.unmapRange(0x1008n, PAGE)],
    ['a length that is no multiple', 'unaligned', (s) => s.protect(0, PAGE + 1, RW)],
    ['a frame inside a page', 'unaligned', (s) => s.mapRange(0, PAGE, 12, RW)],
    ['a large page that is not aligned', 'unaligned', (s) => s.collapse(PAGE, 0, RW)],
    ['a large frame that is not aligned', 'unaligned', (s) => s.collapse(0, PAGE, RW)],
    ['a negative address', 'bad-address', (s) => s.unmapRange(-PAGE, PAGE)],
    ['a negative bigint', 'bad-address', (s) => s.unmapRange(-4096n, PAGE)],
    ['a negative length', 'bad-address', (s) => s.unmapRange(PAGE, -PAGE)],
    ['no number', 'bad-address', (s) => s.unmapRange(Number.NaN, PAGE)],
    ['a number that is not safe', 'bad-address', (s) => s.unmapRange(2 ** 60, PAGE)],
    ['a fraction', 'bad-address', (s) => s.unmapRange(0.5, PAGE)],
    ['an address that is not canonical', 'bad-address', (s) => s.mapPage(2n ** 47n, 0, RW)],
    ['the upper half of x86-64', 'bad-address', (s) => s.mapPage(2n ** 64n - 4096n, 0, RW)],
    ['a range that wraps', 'bad-range', (s) => s.unmapRange(2n ** 47n - 4096n, 2n * 4096n)],
    ['a range of everything and more', 'bad-range', (s) => s.protect(PAGE, 2n ** 47n, RW)],
    ['a frame at 4 GiB', 'bad-address', (s) => s.mapPage(0, GIB_4, RW)],
    ['frames across 4 GiB', 'bad-address', (s) => s.mapRange(0, 2 * PAGE, GIB_4 - PAGE, RW)],
    ['a negative frame', 'bad-address', (s) => s.mapPage(0, -PAGE, RW)],
    ['rights that are none', 'bad-prot', (s) => s.mapPage(0, 0, 32)],
    ['rights that are no integer', 'bad-prot', (s) => s.protect(0, PAGE, 1.5)],
    ['a TLB of three slots', 'bad-slots', (s) => s.createTlb(3)],
    ['a walk outside of a section', 'not-reading', (s) => s.walk(0)],
    ['a mapping over another', 'already-mapped', (s) => s.mapRange(MIB, PAGE, 0, RW)],
    ['a mapping that ends in another', 'already-mapped', (s) => s.mapRange(0, 2 * MIB, 0, RW)],
  ];

  it.each(CASES)('%s: %s, and nothing changes', (_, code, misuse) => {
    const { thread, space } = setUp();
    space.mapRange(MIB, PAGE, 7 * PAGE, RW);
    const before = { tables: thread.tablesOf(space.mm), pages: thread.pages() };
    expect(codeOf(() => misuse(space))).toBe(code);
    expect({ tables: thread.tablesOf(space.mm), pages: thread.pages() }).toEqual(before);
    expect(frameOf(walkAt(thread, space, MIB))).toBe(7);
    expect(space.check()).toEqual([]);
    space.exit();
    expectWhole(thread);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 60, 2 ** 47, -1n, 2n ** 47n, 2n ** 64n - 1n])(
    'a walk to %s: bad-address, by way of the TLB too',
    (va) => {
      const { thread, space } = setUp();
      const tlb = space.createTlb(2);
      expect(codeOf(() => walkAt(thread, space, va))).toBe('bad-address');
      thread.readLock();
      expect(codeOf(() => space.walkCached(tlb, va))).toBe('bad-address');
      thread.readUnlock();
    },
  );

  it('a TLB of another heap, or of another thread: bad-tlb, before it is looked into', () => {
    const [ours, theirs] = [setUp(), setUp()];
    ours.space.mapPage(PAGE, PAGE, RW);
    theirs.space.mapPage(PAGE, 7 * PAGE, RW);
    // Both spaces have the same number, and as many flushes: nothing else tells their slots apart.
    expect(theirs.space.mm).toBe(ours.space.mm);
    const tlb = theirs.space.createTlb(1);
    const other = attach(ours.buffer);
    const onOther = openSpace(other, ours.space.mm);
    for (const thread of [ours.thread, theirs.thread, other]) thread.readLock();
    expect(frameOf(theirs.space.walkCached(tlb, PAGE))).toBe(7);
    expect(codeOf(() => ours.space.walkCached(tlb, PAGE))).toBe('bad-tlb');
    expect(codeOf(() => onOther.walkCached(ours.space.createTlb(1), PAGE))).toBe('bad-tlb');
    expect(frameOf(theirs.space.walkCached(tlb, PAGE))).toBe(7);
    const again = openSpace(theirs.thread, theirs.space.mm);
    expect(frameOf(again.walkCached(tlb, PAGE))).toBe(7);
    expect(String(tlb)).toBe('Tlb of 1 slots');
  });

  it('what is allowed: holes, empty ranges, pages that are mapped already', () => {
    const { thread, space } = setUp();
    expect(space.unmapRange(0, 2n ** 47n)).toBe(0);
    expect(space.protect(0, 2n ** 47n, RW)).toBe(0);
    space.mapRange(0, 0, 0, RW);
    expect(space.unmapRange(0, 0)).toBe(0);
    expect(space.mapPage(0, 0, RW)).toBe(true);
    expect(space.mapPage(0, PAGE, RW)).toBe(false);
    expect(frameOf(walkAt(thread, space, 4095))).toBe(0);
    expect(space.collapse(TABLE, 0, RW)).toBe(false);
    expect(space.split(0)).toBe(false);
    expect(space.split(2n ** 46n)).toBe(false);
    expect(walkAt(thread, space, 2n ** 47n - 1n)).toBe(NOT_MAPPED);
  });

  it('after its end, on every thread: no-space', () => {
    const { buffer, thread, space } = setUp();
    const other = attach(buffer);
    const theirs = openSpace(other, space.mm);
    const tlb = theirs.createTlb(2);
    space.mapPage(0, 0, RW);
    space.exit();
    for (const each of [space, theirs]) {
      expect(codeOf(() => each.exit())).toBe('no-space');
      expect(codeOf(() => each.mapPage(0, 0, RW))).toBe('no-space');
      expect(codeOf(() => each.mapRange(0, PAGE, 0, RW))).toBe('no-space');
      expect(codeOf(() => each.unmapRange(0, PAGE))).toBe('no-space');
      expect(codeOf(() => each.protect(0, PAGE, RW))).toBe('no-space');
      expect(codeOf(() => each.collapse(0, 0, RW))).toBe('no-space');
      expect(codeOf(() => each.fork())).toBe('no-space');
      expect(codeOf(() => each.split(0))).toBe('no-space');
      expect(codeOf(() => each.dumpImage())).toBe('no-space');
    }
    expect(codeOf(() => walkAt(thread, space, 0))).toBe('no-space');
    other.readLock();
    expect(codeOf(() => theirs.walk(0))).toBe('no-space');
    expect(codeOf(() => theirs.walkCached(tlb, 0))).toBe('no-space');
    other.readUnlock();
    expect(codeOf(() => openSpace(other, space.mm))).toBe('mm-not-live');
    expectWhole(thread);
    expect(codeOf(() => openSpace(thread, thread.createMm()))).toBe('no-space');
    other.detach();
    expect(codeOf(() => theirs.unmapRange(0, PAGE))).toBe('detached');
  });

  it('exit while others use the mm, or its tables are not all of the tree', () => {
    const { thread, space } = setUp();
    space.mapPage(0, 0, RW);
    thread.enterMm(space.mm);
    expect(codeOf(() => space.exit())).toBe('mm-in-use');
    thread.leaveMm(space.mm);
    const table = thread.allocTable(space.mm);
    expect(codeOf(() => space.exit())).toBe('mm-has-tables');
    expect(frameOf(walkAt(thread, space, 0))).toBe(0);
    thread.freeTable(space.mm, table);
    space.exit();
    expectWhole(thread);
  });

  it('a heap whose geometry has no format, or is called like one that has', () => {
    const kinds = [{ name: 'pte', bytes: 1024, perPage: 4 }];
    for (const geometry of ['powerpc-8xx-16k', { name: 's390', pageBytes: 4096, kinds }]) {
      const thread = attach(createHeap({ geometry, pages: 8 }).buffer);
      expect(codeOf(() => createSpace(thread))).toBe('no-such-format');
      expect(thread.check()).toEqual([]);
    }
  });
});

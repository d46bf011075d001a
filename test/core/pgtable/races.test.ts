/** What one thread does while another is in the middle of something, at an exact point. */
import { describe, expect, it } from 'vitest';
import type { Vpn, Word } from '#src/core/base/units.js';
import { createMm, ownerOf } from '#src/core/frag/mm.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { collapse, depositTable, split } from '#src/core/pgtable/collapse.js';
import { tableLow } from '#src/core/pgtable/entry.js';
import { forkStep } from '#src/core/pgtable/fork.js';
import { LARGE, PROT, PTE } from '#src/core/pgtable/format.js';
import { ENTRY_FORMATS, formatNamed } from '#src/core/pgtable/formats/index.js';
import { installTables } from '#src/core/pgtable/install.js';
import { findTable, tableLock } from '#src/core/pgtable/lock.js';
import { mapStep, protectStep, unmapStep } from '#src/core/pgtable/map.js';
import {
  depthOf,
  endSpace,
  entryFor,
  growSpace,
  levelOf,
  makeSpace,
  rootOf,
  type Space,
  spaceOf,
  spanOf,
} from '#src/core/pgtable/space.js';
import { checkTree } from '#src/core/pgtable/tree.js';
import { frameOf, NOT_MAPPED, walk } from '#src/core/pgtable/walk.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { checkDrained, makeHeap } from '../../support/heap.js';
import { HookMemory } from '../../support/hook.js';

const vpn = (page: number): Vpn => page as Vpn;

/** A space, and the same as another thread has it. */
function makeSpaces(format: string): { mem: HookMemory; space: Space; other: Space } {
  const memory = (words: Int32Array): HookMemory => new HookMemory(words);
  const { heap, thread, mem } = makeHeap({ geometry: format, pagesMax: 128, memory });
  const space = spaceOf(thread, formatNamed(format), createMm(thread));
  expect(makeSpace(space)).toBe(true);
  const other = spaceOf(attachThread(heap, 'epoch'), space.format, space.mm);
  return { mem: mem as HookMemory, space, other };
}

describe('a tree that grows', () => {
  it('frees, empty, the table for which another was faster', () => {
    const { mem, space, other } = makeSpaces('s390');
    const deep = vpn(2 ** 35);
    expect(depthOf(rootOf(space))).toBe(3);
    const lock = ownerOf(space.thread.heap, space.mm);
    let locked = 0;
    // Its table is allocated: to link it, it takes the mm's lock a third time, when the root is the
    // other's.
    mem.once(
      (access, word) => access === 'cas' && word === lock && ++locked === 3,
      () => expect(growSpace(other, deep)).toBe('grown'),
    );
    // A debug heap: a table that is freed full is refused.
    expect(growSpace(space, deep)).toBe('grown');
    expect([mem.armed, depthOf(rootOf(space)), checkTree(space)]).toEqual([false, 4, []]);
    expect(endSpace(space)).toBe(false);
    unmapStep(space, vpn(0), 1);
    // The entries of each level have an empty value of their own.
    expect(endSpace(space)).toBe(true);
  });
});

describe('a walk', () => {
  it.each([
    [0, 16],
    [1, null],
  ])('that finds no moment of rest takes the lock, and finds page %d: %s', (page, frame) => {
    const { mem, space, other } = makeSpaces('generic');
    const { thread, format } = space;
    for (const at of [0, 512]) {
      installTables(space, vpn(at), PTE);
      expect(mapStep(space, vpn(at), 1, 16 * 4096, PROT.read).kind).toBe('done');
    }
    rcuReadLock(thread);
    const tables = [0, 512].map((at) => findTable(space, vpn(at), PTE) as Word);
    const above = findTable(space, vpn(0), LARGE) as Word;
    const entry = entryFor(format, LARGE, above, vpn(0));
    const level = levelOf(format, LARGE);
    const looks = tables.map((table) => entryFor(format, PTE, table, vpn(page)));
    const lock = tableLock(thread.heap, tables[0] as Word);
    let [changes, looked, taken] = [0, false, 0];
    mem.watch((access, word) => {
      if (access === 'cas' && word === lock) taken++;
      // Between the two looks of each walk: at the page's entry, and again at the one above.
      const isSecond = looked && access === 'load' && word === entry && changes < 4;
      looked = access === 'load' && looks.includes(word);
      if (!isSecond) return;
      changes++;
      mem.poke(entry, tableLow(level, tables[changes % 2] as Word));
    });
    const found = walk(space, vpn(page));
    rcuReadUnlock(thread);
    expect(found === NOT_MAPPED ? null : frameOf(found)).toBe(frame);
    expect([changes, taken > 0]).toEqual([4, true]);
    acquire(other.thread, lock);
    release(other.thread, lock);
  });
});

/**
 * What docs/pgtable.md says of each format: whether a walk may find nothing during the collapse and
 * the split of pages without exec, of those with it, and where `protect` changes that right.
 */
const BY_NONE: Readonly<Record<string, { plain: boolean; exec: boolean; protect: boolean }>> = {
  s390: { plain: false, exec: false, protect: false },
  'riscv-sv39': { plain: false, exec: false, protect: false },
  generic: { plain: true, exec: false, protect: true },
  'powerpc-radix-4k': { plain: true, exec: true, protect: false },
  'powerpc-radix-64k': { plain: true, exec: true, protect: false },
  'powerpc-hash-64k': { plain: true, exec: true, protect: false },
};

describe.each(Object.keys(ENTRY_FORMATS))('a walk while an entry of %s changes', (name) => {
  const RW = PROT.read | PROT.write;

  /** Whether a walk finds nothing before some store of `change`. */
  function findsNothing({ mem, other }: ReturnType<typeof makeSpaces>, change: () => void) {
    let [isWalking, nothing, walks] = [false, 0, 0];
    mem.watch((access) => {
      if (isWalking || access !== 'store') return;
      isWalking = true;
      rcuReadLock(other.thread);
      if (walk(other, vpn(1)) === NOT_MAPPED) nothing++;
      rcuReadUnlock(other.thread);
      walks++;
      isWalking = false;
    });
    change();
    mem.watch(() => {});
    expect(walks).toBeGreaterThan(2);
    return nothing > 0;
  }

  it.each([
    ['plain', RW],
    ['exec', RW | PROT.exec],
  ] as const)('finds nothing only where high words differ: %s', (rights, prot) => {
    const spaces = makeSpaces(name);
    const { space } = spaces;
    const pages = spanOf(space.format, LARGE);
    const address = pages << space.format.pageShift;
    expect(mapStep(space, vpn(0), pages, 0, prot)).toMatchObject({ changed: pages });
    const isByNone = BY_NONE[name]?.[rights];
    const collapsing = (): unknown => expect(collapse(space, vpn(0), address, prot)).toBe(true);
    expect(findsNothing(spaces, collapsing)).toBe(isByNone);
    const deposited = depositTable(space) as Word;
    const splitting = (): unknown => expect(split(space, vpn(0), deposited)).toBe(true);
    expect(findsNothing(spaces, splitting)).toBe(isByNone);
    const protecting = (to: number) => (): unknown =>
      expect(protectStep(space, vpn(0), 2, to)).toMatchObject({ changed: 2 });
    expect(findsNothing(spaces, protecting(prot & ~PROT.write))).toBe(false);
    expect(findsNothing(spaces, protecting(prot ^ PROT.exec))).toBe(BY_NONE[name]?.protect);
  });
});

describe('a fork', () => {
  it('copies nothing of a parent that ends, against the rules, while the child gets tables', () => {
    const { mem, space, other } = makeSpaces('generic');
    const { thread, format } = space;
    expect(mapStep(space, vpn(3), 1, 16 * 4096, PROT.read).kind).toBe('done');
    const child = spaceOf(thread, format, createMm(thread));
    expect(makeSpace(child)).toBe(true);
    mem.once(
      (access, word) => access === 'cas' && word === ownerOf(thread.heap, child.mm),
      () => {
        expect(unmapStep(other, vpn(3), 1)).toEqual({ kind: 'done', pages: 1, changed: 1 });
        expect(endSpace(other)).toBe(true);
      },
    );
    expect(forkStep(space, child, vpn(3), 7)).toEqual({ kind: 'done', pages: 7, changed: 0 });
    unmapStep(child, vpn(3), 7);
    expect([mem.armed, endSpace(child)]).toEqual([false, true]);
    checkDrained(thread);
  });
});

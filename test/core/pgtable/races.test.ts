/** What one thread does while another is in the middle of something, at an exact point. */
import { describe, expect, it } from 'vitest';
import type { Vpn, Word } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { tableLow } from '#src/core/pgtable/entry.js';
import { LARGE, PROT, PTE } from '#src/core/pgtable/format.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { installTables } from '#src/core/pgtable/install.js';
import { findTable, tableLock } from '#src/core/pgtable/lock.js';
import { mapStep, unmapStep } from '#src/core/pgtable/map.js';
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
} from '#src/core/pgtable/space.js';
import { checkTree } from '#src/core/pgtable/tree.js';
import { frameOf, NOT_MAPPED, walk } from '#src/core/pgtable/walk.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { makeHeap } from '../../support/heap.js';
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
    // Its own root: the compare-and-swap that would link the table finds that of the other.
    mem.once(
      (access, word) => access === 'cas' && mem.peek(word) === rootOf(space),
      () => expect(growSpace(other, deep)).toBe('grown'),
    );
    // A debug heap: a table that is freed full is refused.
    expect(growSpace(space, deep)).toBe('grown');
    expect([mem.armed, depthOf(rootOf(space)), checkTree(space)]).toEqual([false, 4, []]);
    expect(endSpace(space)).toBe(false);
    unmapStep(space, vpn(0), 1);
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
    let [changes, looked] = [0, false];
    mem.watch((access, word) => {
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
    expect(changes).toBe(4);
    const lock = tableLock(thread.heap, tables[0] as Word);
    acquire(other.thread, lock);
    release(other.thread, lock);
  });
});

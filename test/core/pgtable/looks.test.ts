/** Looks for a lock that a step would wait for: each is one, and only of another thread. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Vpn, Word } from '#src/core/base/units.js';
import { createMm, MM_TABLE_LOCK, ownerOf } from '#src/core/frag/mm.js';
import { type Heap, headerWord, type Thread } from '#src/core/mem/heap.js';
import { HEAP } from '#src/core/mem/layout.js';
import { acquire, release } from '#src/core/mem/lock.js';
import { SUPPLY_LOCK } from '#src/core/mem/supply.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { installTables } from '#src/core/pgtable/install.js';
import { findTable, lockInTheWay, lockOfNewSpace, tableLock } from '#src/core/pgtable/lock.js';
import { makeSpace, type Space, spaceOf } from '#src/core/pgtable/space.js';
import { attachThread } from '#src/core/rcu/attach.js';
import { rcuReadLock, rcuReadUnlock } from '#src/core/rcu/reader.js';
import { makeHeap } from '../../support/heap.js';

const vpn = (page: number): Vpn => page as Vpn;

describe.each([false, true])('a lock in the way, where mms share pages: %s', (sharedOwner) => {
  let heap: Heap;
  let thread: Thread;
  let other: Thread;
  let space: Space;

  function setUp(geometry: string, pagesMax: number): void {
    ({ heap, thread } = makeHeap({ geometry, pagesMax, sharedOwner }));
    other = attachThread(heap, 'epoch');
    space = spaceOf(thread, formatNamed(geometry), createMm(thread));
    expect(makeSpace(space)).toBe(true);
  }

  beforeEach(() => setUp('s390', 128));

  function whileHeld(lock: Word, look: () => Word | 0, by = other): Word | 0 {
    acquire(by, lock);
    const found = look();
    release(by, lock);
    return found;
  }

  function lockAt(page: number, level: number): Word {
    rcuReadLock(thread);
    const table = findTable(space, vpn(page), level) as Word;
    rcuReadUnlock(thread);
    return tableLock(heap, table);
  }

  it('of a step is its owner, a table that the page goes through, or what makes one', () => {
    const owner = ownerOf(heap, space.mm);
    const maps = (): Word | 0 => lockInTheWay(space, vpn(0), true);
    const looks = (): Word | 0 => lockInTheWay(space, vpn(0), false);
    for (const look of [maps, looks]) {
      expect([look(), whileHeld(owner, look), whileHeld(owner, look, thread)]).toEqual([
        0,
        owner,
        0,
      ]);
    }
    expect([whileHeld(SUPPLY_LOCK, maps), whileHeld(SUPPLY_LOCK, looks)]).toEqual([SUPPLY_LOCK, 0]);
    expect(installTables(space, vpn(0), 0)).toBe('ready');
    expect([whileHeld(SUPPLY_LOCK, maps), whileHeld(SUPPLY_LOCK, looks)]).toEqual([0, 0]);
    for (const level of [0, 1, 2]) {
      const lock = lockAt(0, level);
      expect([whileHeld(lock, maps), whileHeld(lock, looks)]).toEqual([lock, lock]);
      expect(whileHeld(lock, maps, thread)).toBe(0);
    }
    // The next table of pages comes from the page that the first one is in, and shares its lock.
    const next = (): Word | 0 => lockInTheWay(space, vpn(256), true);
    expect(whileHeld(lockAt(0, 0), next)).toBe(lockAt(0, 0));
    expect(whileHeld(lockAt(0, 0), () => lockInTheWay(space, vpn(256), false))).toBe(0);
    expect(heap.mem.load(headerWord(HEAP.SUPPLY_LOCK))).toBe(0);
  });

  it('of a new space is the table of mms, or what its first table takes', () => {
    const look = (): Word | 0 => lockOfNewSpace(space);
    expect(look()).toBe(0);
    for (const lock of [MM_TABLE_LOCK, SUPPLY_LOCK]) {
      expect([whileHeld(lock, look), whileHeld(lock, look, thread)]).toEqual([lock, 0]);
    }
    expect(whileHeld(ownerOf(heap, space.mm), look)).toBe(0);
  });

  it('of a new space whose first table shares a page is that of the page, if mms share it', () => {
    setUp('powerpc-hash-64k', 4);
    const [lock, look] = [lockAt(0, 3), (): Word | 0 => lockOfNewSpace(space)];
    const found = [lock, SUPPLY_LOCK].map((each) => whileHeld(each, look));
    expect(found).toEqual(sharedOwner ? [lock, 0] : [0, SUPPLY_LOCK]);
  });
});

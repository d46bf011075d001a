/** A thread's TLB: which slot an answer is kept in, whose it is, and when it is used again. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Vpn, Word } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import type { Thread } from '#src/core/mem/heap.js';
import { SharedMemory } from '#src/core/mem/shared.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { mapStep } from '#src/core/pgtable/map.js';
import { makeSpace, type Space, spaceOf } from '#src/core/pgtable/space.js';
import {
  flush,
  TLB_SLOT_WORDS,
  type Tlb,
  walkCached,
  walkCachedAddress,
} from '#src/core/pgtable/tlb.js';
import { frameOf, NOT_MAPPED, walk, walkAddress } from '#src/core/pgtable/walk.js';
import { rcuReadLock } from '#src/core/rcu/reader.js';
import { makeHeap } from '../../support/heap.js';

const FORMAT = formatNamed('generic');
const PAGE_BYTES = 4096;
const SLOTS = 4;

/** Words before the first slot: a TLB need not begin its memory. */
const SLOTS_AT = 8 as Word;

/** As 3 in the lower 32 bits of its number. */
const FAR = (2 ** 32 + 3) as Vpn;

/** A page whose address has a bit above the lower 32, and its number none. */
const HIGH = (2 ** 20 + 3) as Vpn;

function makeMapped(thread: Thread, pages: readonly (readonly [Vpn, number])[]): Space {
  const space = spaceOf(thread, FORMAT, createMm(thread));
  expect(makeSpace(space)).toBe(true);
  for (const [vpn, frame] of pages) {
    expect(mapStep(space, vpn, 1, frame * PAGE_BYTES, 1).kind).toBe('done');
  }
  return space;
}

describe('a TLB', () => {
  let space: Space;
  let other: Space;
  let tlb: Tlb;

  beforeEach(() => {
    const { thread } = makeHeap({ geometry: 'generic', pagesMax: 64 });
    space = makeMapped(thread, [
      [3 as Vpn, 16],
      [7 as Vpn, 17],
      [FAR, 18],
      [HIGH, 20],
    ]);
    other = makeMapped(thread, [[3 as Vpn, 19]]);
    const words = SLOTS_AT + (SLOTS + 1) * TLB_SLOT_WORDS;
    const memory = new SharedMemory(new Int32Array(new SharedArrayBuffer(words * 4)), true);
    tlb = { memory, slotsAt: SLOTS_AT, slots: SLOTS };
    rcuReadLock(thread);
  });

  const ask = (vpn: number, of = space): number => walkCached(of, tlb, vpn as Vpn);
  const words = (): Int32Array => (tlb.memory as SharedMemory).words;

  /** What lies in a slot, but for the words that no field is in. */
  function slot(index: number): number[] {
    const first = SLOTS_AT + index * TLB_SLOT_WORDS;
    return [...words().subarray(first, first + 5)];
  }

  /** Words of the TLB's memory that are not 0. */
  function written(): number[] {
    return [...words().keys()].filter((word) => words()[word] !== 0);
  }

  it('keeps an answer in the slot that the page has by its lowest bits, whole', () => {
    flush(space);
    const found = ask(3);
    expect(frameOf(found)).toBe(16);
    expect(slot(3)).toEqual([3, 0, 1, space.mm, found]);
    ask(FAR);
    expect(slot(3)).toEqual([3, 1, 1, space.mm, walk(space, FAR)]);
    const first = SLOTS_AT + 3 * TLB_SLOT_WORDS;
    expect(written().every((word) => word >= first && word < first + 5)).toBe(true);
  });

  it('uses what it has: it walks once', () => {
    ask(3);
    words()[SLOTS_AT + 3 * TLB_SLOT_WORDS + 4] = 1234;
    expect(ask(3)).toBe(1234);
    expect(walkCachedAddress(space, tlb, 3 * PAGE_BYTES + 5, 0)).toBe(1234);
  });

  it.each<[string, () => number, number]>([
    ['another page of the slot', () => ask(7), 17],
    ['a page whose number differs above 32 bits', () => ask(FAR), 18],
    ['the same page of another space', () => ask(3, other), 19],
    ['the page by an address', () => walkCachedAddress(space, tlb, 7 * PAGE_BYTES, 0), 17],
    ['a far page by an address', () => walkCachedAddress(space, tlb, 3 * PAGE_BYTES, 1 << 12), 18],
  ])('does not take one for %s', (_, asks, frame) => {
    for (const before of [3, 7, FAR]) {
      ask(before);
      expect(frameOf(asks())).toBe(frame);
    }
  });

  it('keeps nothing of a page that is not mapped, and forgets what it had by a flush', () => {
    expect(ask(4)).toBe(NOT_MAPPED);
    expect(written()).toEqual([]);
    ask(3);
    words()[SLOTS_AT + 3 * TLB_SLOT_WORDS + 4] = 1234;
    flush(other);
    expect(ask(3)).toBe(1234);
    flush(space);
    expect(frameOf(ask(3))).toBe(16);
  });

  it.each([
    [3 * PAGE_BYTES, 0, 16],
    [4 * PAGE_BYTES - 1, 0, 16],
    [7 * PAGE_BYTES, 0, 17],
    [3 * PAGE_BYTES, 1 << 12, 18],
    [3 * PAGE_BYTES, 1, 20],
  ])('finds by an address what a walk finds: %d, %d', (low, high, frame) => {
    expect(frameOf(walkAddress(space, low, high))).toBe(frame);
    expect(frameOf(walkCachedAddress(space, tlb, low, high))).toBe(frame);
  });
});

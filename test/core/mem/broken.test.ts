/** What a heap says of itself once a rule was found broken. */
import { describe, expect, it } from 'vitest';
import { at } from '#src/core/base/units.js';
import { RULES_MAX } from '#src/core/mem/header.js';
import { headerWord, mmRecordAt } from '#src/core/mem/heap.js';
import { HEAP, MM } from '#src/core/mem/layout.js';
import { breakRule, markBroken, SLEEPERS, throwIfBroken } from '#src/core/mem/lock.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { makeHeap } from '../../support/heap.js';

const BROKEN = headerWord(HEAP.BROKEN);

describe('a broken rule', () => {
  it('is kept in the heap, the first one only, and found by a look', () => {
    const { heap } = makeHeap();
    expect(throwIfBroken(heap)).toBe(undefined);
    expect(() => breakRule(heap, 3, 'first')).toThrow('P3 does not hold: first');
    expect(() => breakRule(heap, 7, 'second')).toThrow('P7 does not hold: second');
    expect(() => throwIfBroken(heap)).toThrow(
      expect.objectContaining({ name: 'InvariantError', rule: 'P3' }),
    );
  });
});

describe('whoever finds a rule broken', () => {
  it('takes S from the locks that are slept for, and writes nowhere else', () => {
    const { heap, mem } = makeHeap({ mmsMax: 3 });
    const { words } = mem as SharedMemory;
    words.fill(-1);
    mem.poke(BROKEN, 0);
    markBroken(heap, 6);
    const changed = [...words.keys()].filter((word) => words[word] !== -1);
    const locks = [0, 1, 2].map((index) => at(mmRecordAt(heap, index), MM.LOCK));
    const all = [BROKEN, headerWord(HEAP.SUPPLY_LOCK), headerWord(HEAP.MM_TABLE_LOCK), ...locks];
    expect(changed).toEqual(all.sort((a, b) => a - b));
    expect([mem.load(BROKEN), ...locks.map((lock) => mem.load(lock))]).toEqual([
      6,
      ...locks.map(() => -1 & ~SLEEPERS),
    ]);
  });
});

describe('BROKEN', () => {
  it.each([
    [1, 'P1', 'found by another thread'],
    [RULES_MAX, `P${RULES_MAX}`, 'found by another thread'],
    [RULES_MAX + 1, 'P12', `BROKEN is ${RULES_MAX + 1}, which is no rule`],
    [-1, 'P12', 'BROKEN is -1, which is no rule'],
  ])('that is %d says that %s does not hold: %s', (value, rule, message) => {
    const { heap, mem } = makeHeap();
    mem.store(BROKEN, value);
    expect(() => throwIfBroken(heap)).toThrow(expect.objectContaining({ rule }));
    expect(() => throwIfBroken(heap)).toThrow(message);
  });
});

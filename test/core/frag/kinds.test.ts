/** A page that serves one kind after another: nothing of what it was is taken for a state. */
import { expect, it } from 'vitest';
import type { Word } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm } from '#src/core/frag/mm.js';
import { pfnOfAddress } from '#src/core/mem/heap.js';
import { checkDrained, drain, KIND_0, KIND_1, kindOf, makeHeap } from '../../support/heap.js';

it.each([
  [64, 32],
  [32, 16],
  [256, 128],
  [64, 4],
])('a page of %d fragments has %d next, and hands out so many', (before, now) => {
  const words = 1024;
  const kinds = [kindOf(before, words / before), kindOf(now, words / now)];
  const { heap, thread } = makeHeap({ kinds, pagesMax: 1, debug: false });
  const mm = createMm(thread);
  freeTable(thread, mm, allocTable(thread, mm, KIND_0) as Word);
  drain(thread);
  const tables = Array.from({ length: now }, () => allocTable(thread, mm, KIND_1) as Word);
  expect(new Set(tables).size).toBe(now);
  expect(tables.map((table) => pfnOfAddress(heap, table))).toEqual(tables.map(() => 0));
  expect(allocTable(thread, mm, KIND_1)).toBe(null);
  for (const table of tables) freeTable(thread, mm, table);
  checkDrained(thread);
});

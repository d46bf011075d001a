/** Variants A and Y: what they cost, and that misuse is refused as the core refuses it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { costOf, SITUATIONS } from '#src/checker/proof/cost.js';
import type { Word } from '#src/core/base/units.js';
import { createMm } from '#src/core/frag/mm.js';
import { rcuBarrier } from '#src/core/rcu/wait.js';
import { CORES, type Core } from '#src/core/variants/core.js';
import { withBlock } from '../../../scripts/block.mjs';
import { costTable } from '../../../scripts/variants.mjs';
import { KIND_0, KIND_1, kindOf, makeHeap } from '../../support/heap.js';

const EACH = CORES.map((core) => [core.name, core] as const);
const PAGE = readFileSync(new URL('../../../docs/variants.md', import.meta.url), 'utf8');

describe('what an operation costs', () => {
  it('is what docs/variants.md says', () => {
    expect(PAGE).toBe(withBlock(PAGE, 'costs', costTable()));
  });

  it('is least for the lock over the life of a page', () => {
    const life = SITUATIONS.at(-1);
    if (life === undefined) throw new Error('there are situations');
    const [common, ...variants] = CORES.map((core) => costOf(core, life).writes);
    for (const writes of variants) expect(writes).toBeGreaterThan(common as number);
  });

  it('a free of Y takes no lock', () => {
    const lazy = CORES.find(({ name }) => name === 'common-Y') as Core;
    const frees = SITUATIONS.filter(({ name }) => name.startsWith('free'));
    expect(frees.map((situation) => costOf(lazy, situation).locks)).toEqual(frees.map(() => 0));
  });
});

describe.each(EACH)('%s', (_name, core) => {
  it('hands out every table once, takes all back, and passes the check', () => {
    const { heap, thread } = makeHeap({ debug: false, kinds: [kindOf(4), kindOf(2)] });
    const mm = createMm(thread);
    for (let round = 0; round < 3; round++) {
      const tables = [KIND_0, KIND_1].flatMap((kind) =>
        Array.from({ length: 9 }, () => core.allocTable(thread, mm, kind) as Word),
      );
      expect(new Set(tables).size).toBe(18);
      for (const table of tables) core.freeTable(thread, mm, table);
      rcuBarrier(thread, core.callbacks);
      rcuBarrier(thread, core.callbacks);
      expect(core.check(heap, { drained: true })).toEqual([]);
    }
    core.destroyMm(thread, mm);
    rcuBarrier(thread, core.callbacks);
    expect(core.check(heap, { drained: true })).toEqual([]);
  });

  it('refuses what is no table of the mm, and a table freed twice', () => {
    const { thread } = makeHeap({ debug: false });
    const [mm, other] = [createMm(thread), createMm(thread)];
    const table = core.allocTable(thread, mm, KIND_0) as Word;
    const kept = core.allocTable(thread, mm, KIND_0) as Word;
    const free = (at: number): void => core.freeTable(thread, mm, at as Word);
    for (const wrong of [0, table + 1, -1, 2.5, Number.NaN]) {
      expect(() => free(wrong), `${wrong}`).toThrow('freeTable');
    }
    expect(() => core.freeTable(thread, other, table)).toThrow('freeTable');
    free(table);
    expect(() => free(table)).toThrow('not allocated');
    expect(() => core.destroyMm(thread, mm)).toThrow(`mm ${mm} `);
    free(kept);
    core.destroyMm(thread, mm);
    expect(() => core.destroyMm(thread, mm)).toThrow('has ended');
    expect(() => core.allocTable(thread, mm, KIND_0)).toThrow('has ended');
  });

  it('says null when no page is left, and goes on after a free', () => {
    const { heap, thread } = makeHeap({ debug: false });
    const mm = createMm(thread);
    const tables: Word[] = [];
    for (let table = core.allocTable(thread, mm, KIND_0); table !== null; ) {
      tables.push(table);
      table = core.allocTable(thread, mm, KIND_0);
    }
    core.freeTable(thread, mm, tables[0] as Word);
    rcuBarrier(thread, core.callbacks);
    expect(core.allocTable(thread, mm, KIND_0)).toBe(tables[0]);
    expect(core.check(heap, { drained: true })).toEqual([]);
  });
});

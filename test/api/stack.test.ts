/** Near the end of its stack a caller is refused before anything is written. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { attach, createHeap } from '#src/api/index.js';

const DEEP = new URL('../support/deep.mjs', import.meta.url);

async function outcomeOf(workerData: { what: string; short: number }): Promise<unknown> {
  const worker = new Worker(DEEP, { workerData, resourceLimits: { stackSizeMb: 1 } });
  const [outcome] = await once(worker, 'message');
  await worker.terminate();
  return outcome;
}

describe('at the end of the stack', () => {
  it.each([
    'allocates',
    'frees',
    'reads',
    'makes an mm',
    'polls',
    'maps',
    'forks',
    'ends a space',
    'attaches',
    'maps a page that needs a table',
    'polls when something is ripe',
    'polls when an mm has ended',
    'unmaps what is mapped',
    'protects what is mapped',
    'takes a page',
  ])('who %s for the first time holds nothing afterwards', { timeout: 60_000 }, async (what) => {
    const clean = { done: 1, overflows: true, section: 'none', found: [] };
    expect(await outcomeOf({ what, short: 8 })).toEqual(clean);
  });

  it('a function of the library that is hot is refused as well', { timeout: 60_000 }, () => {
    for (let pad = 0; pad < 40; pad++) {
      const { buffer } = createHeap({ geometry: 's390', pages: 64, threadsMax: 2, mmsMax: 3 });
      const thread = attach(buffer);
      const mm = thread.createMm();
      const pair = (): void => thread.freeTable(mm, thread.allocTable(mm));
      for (let i = 0; pad === 0 && i < 100_000; i++) pair();
      const recurse = (left: number): number => {
        if (left > 0) return recurse(left - 1) + 1;
        pair();
        return recurse(0) + 1;
      };
      expect(() => recurse(pad)).toThrow(RangeError);
      expect(thread.check()).toEqual([]);
      pair();
      thread.barrier();
      expect(thread.check({ drained: true })).toEqual([]);
      thread.detach();
    }
  });
});

/** RCU on real threads: the guarantee as a litmus test, barriers, and a reclaimer. */
import { describe, expect, it } from 'vitest';
import { at } from '#src/core/base/units.js';
import type { Heap } from '#src/core/mem/heap.js';
import type { Flavour } from '#src/core/rcu/attach.js';
import { checkClean, makeHeap } from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { type Job, runJobs, sharedWords, valuesOf } from '../../support/threads.js';

/**
 * Threads write where pages will be, and no page is ever handed out. In a debug heap that would be
 * found, for what it is.
 */
function makeBareHeap(): Heap {
  return makeHeap({ debug: false }).heap;
}

interface Reads {
  readonly sections: number;
  readonly violations: number;
  readonly changes: number;
}

interface Litmus {
  /** How the writer waits for a grace period; `none`: not at all. */
  readonly how: 'spin' | 'sleep' | 'none';
  readonly flavour: Flavour;
  readonly rounds: number;
}

/** One writer, one reader, until the reader has seen so many of what it counts. */
async function litmus(
  { how, flavour, rounds }: Litmus,
  says: keyof Reads,
  enough: number,
): Promise<Reads> {
  const heap = makeBareHeap();
  const [x, y] = [heap.pagesAt, at(heap.pagesAt, 32)];
  const jobs: Job[] = [
    { job: 'writeLitmus', x, y, rounds, enough, how },
    { job: 'readLitmus', x, y, dwell: 200, says, flavour },
  ];
  const [, reads] = valuesOf(await runJobs('rcu', heap, jobs, sharedWords(3)));
  checkClean(heap);
  return reads as Reads;
}

describe('a reader that misses what was written before a grace period', () => {
  const cases: Litmus[] = [
    { how: 'spin', flavour: 'epoch', rounds: LONG ? 20_000_000 : 100_000 },
    { how: 'spin', flavour: 'qsbr', rounds: LONG ? 20_000_000 : 10_000 },
    { how: 'sleep', flavour: 'epoch', rounds: LONG ? 20_000 : 300 },
    { how: 'sleep', flavour: 'qsbr', rounds: LONG ? 20_000 : 300 },
  ];

  it.each(cases)('does not see what was written after it ($how, $flavour)', async (how) => {
    // A spinning writer leaves little time to a reader that must be quiescent in it.
    const enough = how.how === 'spin' && how.flavour === 'epoch' ? 500 : 50;
    const { sections, violations, changes } = await litmus(how, 'changes', enough);
    expect(violations).toBe(0);
    // It was a race: the reader saw many different rounds.
    expect(changes).toBeGreaterThanOrEqual(enough);
    expect(sections).toBeGreaterThan(changes);
  });

  it.each(['epoch', 'qsbr'] as const)(
    'sees it where the grace period is left out (%s)',
    async (flavour) => {
      const { violations } = await litmus({ how: 'none', flavour, rounds: 1 }, 'violations', 1);
      expect(violations).toBeGreaterThan(0);
    },
  );
});

describe('on threads', () => {
  it('a barrier waits for a callback that another thread runs', async () => {
    const heap = makeBareHeap();
    const jobs = [{ job: 'runSlowly', head: heap.pagesAt }, { job: 'barrierMeanwhile' }];
    const [, finished] = valuesOf(await runJobs('rcu', heap, jobs, sharedWords(3)));
    expect(finished).toBe(1);
  });

  it('a reclaimer runs what others queue and never poll for', async () => {
    const heap = makeBareHeap();
    const [count, rounds] = [20, 10];
    const queue = (i: number): Job => ({
      job: 'queueOften',
      first: at(heap.pagesAt, 4 * count * i),
      count,
      rounds,
    });
    const jobs = [{ job: 'reclaimAll' }, { job: 'stopAfter', others: 2 }, queue(0), queue(1)];
    const outcomes = await runJobs('rcu', heap, jobs, sharedWords(3));
    const [reclaimed, , ...queued] = valuesOf<number>(outcomes);
    expect(queued).toEqual([count * rounds, count * rounds]);
    expect(reclaimed).toBe(2 * count * rounds);
    checkClean(heap);
  });
});

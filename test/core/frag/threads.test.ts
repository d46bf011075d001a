/**
 * The core on real threads: allocations, frees and readers on shared mms, every table watched by
 * its readers; and the same with grace periods left out, which the readers must find.
 */
import { describe, expect, it } from 'vitest';
import type { KindId, MmId, Word } from '#src/core/base/units.js';
import { fillEmpty } from '#src/core/frag/contents.js';
import { freeTable } from '#src/core/frag/free.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import type { Heap, HeapKind, Thread } from '#src/core/mem/heap.js';
import {
  checkClean,
  checkDrained,
  type HeapOptions,
  KIND_0,
  kindOf,
  makeHeap,
} from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { type Job, runJobs, sharedWords, valuesOf } from '../../support/threads.js';

const ROUNDS = LONG ? 5_000_000 : 150_000;

const SLOTS = 48;

interface Seen {
  readonly reads: number;
  readonly allocs: number;
  readonly frees: number;
  /** Tables that were unlinked and emptied while a reader looked. */
  readonly emptied: number;
  readonly outOfPages: number;
  readonly mms: number;
  readonly wrong: number;
  readonly first: string;
}

interface Run {
  readonly heap: Heap;
  readonly thread: Thread;
  readonly mms: MmId[];
  readonly words: Int32Array;
  readonly seen: Seen[];
}

/** Threads, half of them qsbr, on three mms. */
async function churn(threads: number, options: HeapOptions, more: Partial<Job>): Promise<Run> {
  const { heap, thread } = makeHeap({ mmsMax: 12, threadsMax: 12, ...options });
  const mms = [createMm(thread), createMm(thread), createMm(thread)];
  const words = sharedWords(1 + SLOTS);
  const jobs = Array.from(
    { length: threads },
    (_, i): Job => ({
      job: 'churn',
      flavour: i % 2 === 0 ? 'epoch' : 'qsbr',
      seed: 7919 * (i + 1),
      rounds: ROUNDS,
      slots: SLOTS,
      kind: KIND_0,
      mms,
      ...more,
    }),
  );
  const seen = valuesOf<Seen>(await runJobs('frag', heap, jobs, words));
  return { heap, thread, mms, words, seen };
}

/** Frees what is still linked, ends the mms, and finds every page back. */
function checkEnd({ heap, thread, mms, words }: Run, kind: KindId): void {
  checkClean(heap);
  words.subarray(2).forEach((table, slot) => {
    if (table === 0) return;
    const shape = heap.kinds[kind] as HeapKind;
    fillEmpty(heap.mem, table as Word, shape.fragmentWords, shape);
    freeTable(thread, mms[slot % mms.length] as MmId, table as Word);
  });
  for (const mm of mms) destroyMm(thread, mm);
  checkDrained(thread);
}

const total = (seen: readonly Seen[], what: Exclude<keyof Seen, 'first'>): number =>
  seen.reduce((sum, one) => sum + one[what], 0);

const SHAPES: readonly [name: string, threads: number, options: HeapOptions][] = [
  ['s390, two threads', 2, { geometry: 's390', pagesMax: 128 }],
  ['radix 64K, two threads', 2, { geometry: 'powerpc-radix-64k', pagesMax: 32 }],
  ['NR 4, two threads, one owner', 2, { kinds: [kindOf(4)], sharedOwner: true, pagesMax: 64 }],
  ['NR 2, four threads, few pages', 4, { kinds: [kindOf(2)], pagesMax: 26 }],
  ['NR 16, four threads, one owner', 4, { kinds: [kindOf(16)], sharedOwner: true, pagesMax: 16 }],
];

describe('threads that allocate, free and read', () => {
  it.each(SHAPES)(
    'see no table used again too early and lose no page: %s (P1-P7, P9)',
    async (_, threads, options) => {
      const run = await churn(threads, options, {});
      expect(run.seen.map(({ first }) => first)).toEqual(Array(threads).fill(''));
      checkEnd(run, KIND_0);
      for (const what of ['reads', 'allocs', 'frees', 'mms'] as const) {
        expect(total(run.seen, what), what).toBeGreaterThan(0);
      }
      // That a reader meets a table just being emptied is sure only with few threads on two cores.
      if (threads === 2) expect(total(run.seen, 'emptied')).toBeGreaterThan(0);
      const linked = total(run.seen, 'allocs') - total(run.seen, 'frees');
      expect(linked).toBe(run.words.subarray(2).filter((table) => table !== 0).length);
    },
  );

  it('run out of pages now and then where there are few, and go on', async () => {
    const run = await churn(2, { kinds: [kindOf(2)], pagesMax: 20, pages: 12 }, {});
    expect(run.seen.map(({ first }) => first)).toEqual(['', '']);
    expect(total(run.seen, 'outOfPages')).toBeGreaterThan(0);
    checkEnd(run, KIND_0);
  });

  it.each([2, 4])(
    'find out when callbacks do not wait for readers (%i threads)',
    async (threads) => {
      const more = { broken: true, untilWrong: true, rounds: 50_000_000 };
      const run = await churn(threads, { kinds: [kindOf(4)], pagesMax: 64, debug: false }, more);
      expect(total(run.seen, 'wrong')).toBeGreaterThan(0);
      expect(run.seen.map(({ first }) => first).join('')).toMatch(/slot \d+, word \d+: /);
    },
  );
});

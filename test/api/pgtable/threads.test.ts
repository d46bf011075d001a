/** One address space on four real threads: mapped, unmapped, collapsed and walked at once. */
import { attach } from 'ptfrag';
import { openSpace } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import { createMm } from '#src/core/frag/mm.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { makeSpace, spaceOf, spanOf } from '#src/core/pgtable/space.js';
import { makeHeap } from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { expectWhole } from '../../support/space.js';
import { type Job, runJobs, sharedWords, valuesOf } from '../../support/threads.js';

/** What each thread does at least. */
const ROUNDS = LONG ? 100_000 : 2500;
const THREADS = 4;
const ZONES = 3;

type Seen = Readonly<Record<string, number>>;

interface Run {
  readonly geometry: string;
  readonly pagesMax: number;
  readonly forks: boolean;
  /** What some thread must have met. */
  readonly must: readonly string[];
}

/**
 * Four threads on one space, half of them qsbr; then it ends, and every page must be back. Returns
 * what should have been met and was not.
 */
async function churn({ geometry, pagesMax, forks, must }: Run): Promise<string[]> {
  const { heap, mem, thread } = makeHeap({ geometry, pagesMax, threadsMax: 8, mmsMax: 16 });
  const format = formatNamed(geometry);
  const mm = createMm(thread);
  makeSpace(spaceOf(thread, format, mm));
  const facts = { mm, span: spanOf(format, 1), zones: ZONES, forks, rounds: ROUNDS, must };
  const jobs = Array.from({ length: THREADS }, (_, i): Job => {
    const flavour = i % 2 === 0 ? 'epoch' : 'qsbr';
    return { job: 'churn', flavour, seed: 7919 * (i + 1), ...facts };
  });
  const seen = valuesOf<Seen>(await runJobs('space', heap, jobs, sharedWords(1)));
  const last = attach(mem.words.buffer as SharedArrayBuffer);
  const space = openSpace(last, mm);
  expect(space.check()).toEqual([]);
  space.exit();
  expectWhole(last);
  const sum = (name: string): number => seen.reduce((all, each) => all + (each[name] ?? 0), 0);
  expect(sum('wrong')).toBe(0);
  return must.filter((name) => sum(name) === 0);
}

const WORK = [
  'mapped',
  'faults',
  'unmapped',
  'protected',
  'collapsed',
  'refused',
  'found',
  'holes',
];

describe('a space that four threads work on', () => {
  // Too few pages for all that is mapped: what runs out undoes what it did.
  it.each([
    ['s390', 19],
    ['powerpc-radix-64k', 6],
    ['generic', 7],
  ] as const)('of %s, in %s pages, is whole', async (geometry, pagesMax) => {
    const must = [...WORK, 'outOfPages'];
    expect(await churn({ geometry, pagesMax, forks: false, must })).toEqual([]);
  });

  it.each([
    ['s390', 128],
    ['generic', 64],
  ] as const)('of %s is whole, and so are its forks', async (geometry, pagesMax) => {
    const must = [...WORK, 'forked'];
    expect(await churn({ geometry, pagesMax, forks: true, must })).toEqual([]);
  });
});

/**
 * Page tables on real threads: map, unmap, protect, fork, exit, collapse, split and walk, at
 * random, on spaces that all threads share; and the same in builds that lack a safeguard, which
 * the threads must find out. `npm run test:all` does more of it.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { MmId, Vpn } from '#src/core/base/units.js';
import { createMm, destroyMm } from '#src/core/frag/mm.js';
import type { Heap, Thread } from '#src/core/mem/heap.js';
import { extentOf } from '#src/core/pgtable/fork.js';
import { formatNamed } from '#src/core/pgtable/formats/index.js';
import { unmapStep } from '#src/core/pgtable/map.js';
import { endSpace, makeSpace, type Space, spaceOf } from '#src/core/pgtable/space.js';
import { checkTree } from '#src/core/pgtable/tree.js';
import { checkClean, checkDrained, makeHeap } from '../../support/heap.js';
import { LONG } from '../../support/long.js';
import { type Job, type Outcome, runJobs, sharedWords, valuesOf } from '../../support/threads.js';

const SUPPORT = new URL('../../support/', import.meta.url);

/** Where shared words of spaces begin, behind the gate: see jobs-tree.mjs. */
const SPACES = 4;
const SPACE_WORDS = 3;

interface Garden {
  readonly format: string;
  readonly threads: number;
  readonly spaces: number;
  /** Each of a few turns: what a thread does at least, until all was seen. */
  readonly rounds: number;
  readonly seed: number;
  readonly pagesMax: number;
  /** Spans beside 0 and 1: they share no table but the top one with those, or not even that. */
  readonly farSpans: readonly [number, number, number];
  /** How many of all these are used. */
  readonly spans: number;
  /** A thread stops for a moment after at most so many loads. */
  readonly dawdle: number;
}

/** What threads count, but for what depends on how many pages there are. */
const SEEN = ['walks', 'found', 'nothing', 'maps', 'unmaps', 'protects', 'exits', 'collapses'];

/** Where pages are few, hardly any is left for a child. */
function mustSee({ pagesMax }: Garden): string[] {
  return [...SEEN, 'splits', 'checks', pagesMax > 200 ? 'forks' : 'outOfPages'];
}

interface Run {
  readonly heap: Heap;
  readonly thread: Thread;
  readonly spaces: () => Space[];
  readonly outcomes: Outcome[];
}

async function garden(plan: Garden, support = SUPPORT): Promise<Run> {
  const { format, threads, spaces, seed, pagesMax } = plan;
  const options = { geometry: format, pagesMax, mmsMax: spaces + threads + 9 };
  const { heap, thread } = makeHeap({ ...options, threadsMax: 2 * threads + 1, spins: 100 });
  const words = sharedWords(SPACES - 1 + SPACE_WORDS * spaces);
  const of = (mm: number): Space => spaceOf(thread, formatNamed(format), mm as MmId);
  for (let slot = 0; slot < spaces; slot++) {
    const mm = createMm(thread);
    expect(makeSpace(of(mm))).toBe(true);
    words.set([mm, slot, 0], SPACES + SPACE_WORDS * slot);
  }
  // The last key.
  words[2] = spaces;
  const jobs = Array.from({ length: threads }, (_, index): Job => {
    return { job: 'garden', ...plan, must: mustSee(plan), index, seed: seed * 100 + index };
  });
  const outcomes = await runJobs('tree', heap, jobs, words, support);
  const left = (): Space[] =>
    Array.from({ length: spaces }, (_, slot) => of(words[SPACES + SPACE_WORDS * slot] as number));
  return { heap, thread, spaces: left, outcomes };
}

/** Every tree is right, and ends; every page comes back. */
function checkEnd({ heap, thread, spaces }: Run): void {
  checkClean(heap);
  for (const space of spaces()) {
    expect(checkTree(space)).toEqual([]);
    for (let page = 0; page < extentOf(space); ) {
      const step = unmapStep(space, page as Vpn, extentOf(space) - page);
      expect(step.kind).toBe('done');
      if (step.kind === 'done') page += step.pages;
    }
    expect(endSpace(space)).toBe(true);
    destroyMm(thread, space.mm);
  }
  checkDrained(thread);
}

type Seen = Readonly<Record<string, number>>;

function totalsOf(outcomes: readonly Outcome[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const seen of valuesOf<Seen>(outcomes)) {
    for (const [what, count] of Object.entries(seen)) totals[what] = (totals[what] ?? 0) + count;
  }
  return totals;
}

const S390: Garden = {
  format: 's390',
  threads: 8,
  spaces: 4,
  rounds: LONG ? 40_000 : 1000,
  seed: 1,
  pagesMax: 1024,
  farSpans: [2048, 2 ** 22 - 8, 2 ** 22],
  spans: 5,
  dawdle: 4000,
};

const RADIX = { format: 'powerpc-radix-64k', pagesMax: 256 } as const;

const GARDENS: readonly (readonly [string, Garden])[] = [
  ['s390, 8 threads, 4 spaces', S390],
  ['s390, 8 threads, one space', { ...S390, spaces: 1, seed: 2 }],
  ['s390, few pages', { ...S390, threads: 4, pagesMax: 150, seed: 3 }],
  ['radix 64K', { ...S390, ...RADIX, farSpans: [512, 2 ** 18, 2 ** 20], seed: 4 }],
  ['Sv39', { ...S390, format: 'riscv-sv39', farSpans: [512, 1024, 2 ** 17], seed: 5 }],
];

describe('threads that change page tables and walk in them', () => {
  it.each(GARDENS)(
    'find what is mapped and nothing else: %s (T1 to T4)',
    async (_, plan) => {
      const run = await garden(plan);
      const totals = totalsOf(run.outcomes);
      if (LONG) process.stdout.write(`${JSON.stringify({ ...plan, ...totals })}\n`);
      checkEnd(run);
      expect(mustSee(plan).filter((what) => !totals[what])).toEqual([]);
    },
    120_000,
  );
});

/** What is left out, where, what is put in its place, and where threads soon meet at it. */
const BROKEN: readonly (readonly [string, string, string, string, Partial<Garden>])[] = [
  [
    'empty tables are freed and stay linked',
    'core/pgtable/install.js',
    'clearEntry(thread, level, entry)',
    '0',
    {},
  ],
  [
    'walks do not look again',
    'core/pgtable/walk.js',
    'mem.load(above) !== named',
    'false',
    { spaces: 1, spans: 1 },
  ],
  [
    'grace periods do not wait',
    'core/rcu/grace-period.js',
    'reader !== 0 && isBefore(reader, n)',
    'false',
    {},
  ],
  [
    'a locked table need not be linked still',
    'core/pgtable/lock.js',
    'findTable(space, vpn, number) === table',
    'true',
    { spaces: 1, spans: 1 },
  ],
];

describe('a build in which', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  /** A copy of build and jobs with something else in the place of a text. */
  function supportOf(file: string, text: string, other: string): URL {
    const folder = mkdtempSync(join(tmpdir(), 'ptfrag-broken-'));
    folders.push(folder);
    const isCode = (path: string): boolean => !/\.(?:map|d\.ts)$/.test(path);
    cpSync('dist', join(folder, 'dist'), { recursive: true, filter: isCode });
    cpSync(fileURLToPath(SUPPORT), join(folder, 'support'), { recursive: true });
    cpSync('package.json', join(folder, 'package.json'));
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules', import.meta.url)),
      join(folder, 'node_modules'),
    );
    const path = join(folder, 'dist', file);
    const before = readFileSync(path, 'utf8');
    expect(before.split(text)).toHaveLength(2);
    writeFileSync(path, before.replace(text, other));
    return pathToFileURL(`${join(folder, 'support')}/`);
  }

  // The first is found by whoever comes next. The others take luck, and get it in the long run; the
  // checker finds each without (src/checker/proof/mutants/tree.ts).
  const sure = LONG ? BROKEN : BROKEN.slice(0, 1);
  it.each(sure)('%s is found out', async (_, file, text, other, where) => {
    const support = supportOf(file, text, other);
    // A thread that is stuck has found out, too, but says nothing.
    const stuck = new Promise<null>((resolve) => setTimeout(() => resolve(null), 20_000).unref());
    const plan = { ...S390, threads: 4, spaces: 2, rounds: 15_000, dawdle: 100, ...where };
    const run = await Promise.race([garden(plan, support), stuck]);
    if (run === null) return;
    const errors = run.outcomes.flatMap(({ error }) => error ?? []);
    expect(errors.map(({ message }) => message).join('\n')).not.toBe('');
  });
});

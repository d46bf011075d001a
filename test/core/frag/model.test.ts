/** Random histories of allocations, frees, readers, grace periods and mms, against a model. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MmId } from '#src/core/base/units.js';
import type { HeapKind, Thread } from '#src/core/mem/heap.js';
import { beginGrace, endGrace } from '#src/core/rcu/grace-period.js';
import { type HeapOptions, kindOf } from '../../support/heap.js';
import { History } from '../../support/history.js';
import { LONG } from '../../support/long.js';

const RUNS = LONG ? 4000 : 40;

/** So many times at most, until everything was seen in some history. */
const BATCHES_MAX = 20;

/** A failing history is made smaller for this long at most. */
const LIMIT_MS = LONG ? 300_000 : 20_000;

const LAST = 2 ** 31 - 1;

const SHAPES: readonly [name: string, options: HeapOptions][] = [
  ['NR 1', { kinds: [kindOf(1)], pagesMax: 6 }],
  ['NR 2', { kinds: [kindOf(2, 8, { emptyEven: 0x400 })], pagesMax: 6 }],
  ['NR 4', { kinds: [kindOf(4)], pagesMax: 6 }],
  ['NR 8, residue', { kinds: [kindOf(8, 4, { residueEven: 0x180 })], pagesMax: 5 }],
  ['NR 16, slots', { kinds: [kindOf(16, 4, { entryWords: 2, emptyOdd: 7 })], pagesMax: 4 }],
  ['NR 32: two words', { kinds: [kindOf(32)], pagesMax: 4 }],
  ['NR 256: sixteen words', { kinds: [kindOf(256)], pagesMax: 4 }],
  [
    'NR 2 beside blocks of four pages',
    {
      kinds: [kindOf(2, 8, { emptyEven: 0x400 }), kindOf(1, 64, { order: 2 })],
      pageShift: 4,
      pagesMax: 28,
    },
  ],
  [
    'NR 16, 8, 4 and 1 in one heap',
    { kinds: [kindOf(16), kindOf(8, 8), kindOf(4, 16), kindOf(1, 64)], pageShift: 6 },
  ],
];

const OPS = [
  ...Array(10).fill('alloc'),
  ...Array(10).fill('free'),
  'freeAll',
  ...Array(10).fill('poll'),
  ...Array(3).fill('begin'),
  ...Array(2).fill('end'),
  ...Array(3).fill('lock'),
  ...Array(4).fill('unlock'),
  ...Array(6).fill('leaveAll'),
  'create',
  'destroy',
] as readonly string[];

/** What, by which thread, and two numbers that decide the rest. */
type Step = readonly [op: string, who: number, which: number, count: number];

const STEP: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...OPS),
  fc.nat({ max: 3 }),
  fc.nat({ max: 999 }),
  fc.nat({ max: 999 }),
);

/** Some tables of one kind, sometimes enough to fill a page. */
function allocSome(history: History, thread: Thread, [, , which, count]: Step): void {
  if (history.model.live.size === 0) history.create(thread);
  const mms = [...history.model.live.keys()];
  const mm = mms[which % mms.length];
  // All records may still be dying.
  if (mm === undefined) return;
  const kind = which % history.heap.kinds.length;
  const { perPage } = history.heap.kinds[kind] as HeapKind;
  const burst = [1, 2, 3, perPage][count % 4] as number;
  for (let i = 0; i < burst; i++) history.alloc(thread, mm, kind);
}

/** Frees every n-th table: one, some, or all. */
function freeSome(history: History, thread: Thread, [op, , which, count]: Step): void {
  const all = [...history.tables];
  const first = which % Math.max(1, all.length);
  const max = op === 'freeAll' ? all.length : [1, 1, 1, 2, 3, 30][count % 6];
  const some =
    op === 'freeAll' ? all : all.slice(first).filter((_, i) => i % (1 + (count % 3)) === 0);
  for (const table of some.slice(0, max)) history.free(thread, table, which % 2 === 0);
}

function act(history: History, step: Step): void {
  const [op, who, which, count] = step;
  const thread = history.threads[who] as Thread;
  const mms = [...history.model.live.keys()];
  if (op === 'alloc') allocSome(history, thread, step);
  else if (op === 'free' || op === 'freeAll') freeSome(history, thread, step);
  else if (op === 'poll') history.poll(thread, count % 2 === 0, 1 + (which % 4));
  else if (op === 'begin') beginGrace(history.heap);
  else if (op === 'end') endGrace(history.heap);
  else if (op === 'lock') history.lock(who);
  else if (op === 'unlock') history.unlock(who);
  else if (op === 'leaveAll') history.leaveAll();
  else if (op === 'create') history.create(thread);
  else if (mms.length > 0) history.destroy(thread, mms[which % mms.length] as MmId);
}

/** Histories of large pages take longer. */
function runsOf({ kinds = [] }: HeapOptions): number {
  return kinds.some((kind) => kind.perPage > 100) ? RUNS / 4 : RUNS;
}

/** What must have happened in some history, or the test has seen too little. */
function mustSee({ kinds = [] }: HeapOptions): string[] {
  const seen = ['callback without A', 'returned', 'mm gone', 'out of pages', 'several callbacks'];
  const shared = kinds.some((kind) => kind.perPage > 1);
  return shared ? [...seen, 'callback with A', 'N', 'reused'] : seen;
}

describe.each(SHAPES)('a heap with %s', (_, options) => {
  it.each([false, true])(
    'does what the model does in every history (P1-P7, P9, P10; one owner: %s)',
    (sharedOwner) => {
      const seen = new Map<string, number>();
      const completed = fc.integer({ min: LAST - 20, max: LAST });
      const steps = fc.array(STEP, { maxLength: 150, size: 'max' });
      const property = fc.property(completed, steps, fc.boolean(), (first, history, debug) => {
        const run = new History(
          { pagesMax: 14, ...options, sharedOwner, debug, completed: first },
          seen,
        );
        for (const step of history) {
          act(run, step);
          run.check();
        }
        run.end();
      });
      const missing = (): string[] => mustSee(options).filter((what) => !seen.has(what));
      // More histories where these few happened not to have it all.
      for (let batch = 0; batch === 0 || (missing().length > 0 && batch < BATCHES_MAX); batch++) {
        fc.assert(property, { numRuns: runsOf(options), interruptAfterTimeLimit: LIMIT_MS });
      }
      expect(missing()).toEqual([]);
    },
  );
});

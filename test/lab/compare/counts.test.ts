/** What compare counts beside pages, and what deferred frees and many copies make of it. */
import { afterAll, describe, expect, it } from 'vitest';
import { costOf, SITUATIONS } from '#src/checker/proof/cost.js';
import { CORES } from '#src/core/variants/core.js';
import {
  type CompareDocument,
  type CompareOptions,
  type CompareRow,
  compareTraces,
} from '#src/lab/compare/compare.js';
import { bundled, canon, TraceFolder } from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

const QUICK = bundled('s390x/quick.canon');
const HASH = bundled('ppc64le/quick-hash.frag');

/** The PTE row of a design, sharing within an mm if it can choose, with recorded ends. */
function rowOf(
  { rows }: CompareDocument,
  design: string,
  mode: CompareRow['mode'] = 'recorded',
): CompareRow {
  const found = rows.find(
    (row) => row.design === design && row.mode === mode && row.sharing !== 'all',
  );
  if (found === undefined) throw new Error(`${design} is not in the document`);
  return found;
}

/** A page's life: two tables, freed one after the other. Records are 10 us apart. */
const LIFE = canon(
  'I m1',
  'X m1 e',
  'N m1 a0.0',
  'H m1 a0.1',
  'R m1 a0.0 0',
  'U a0.0 0',
  'R m1 a0.1 0',
  'U a0.1 1',
  'D m1',
);

describe('locks and atomics', () => {
  it.each(CORES)(
    'are those that the code does, as the checker counts them: $name',
    async (core) => {
      const situation = SITUATIONS.find(({ name }) => name.startsWith('a life'));
      if (situation === undefined) throw new Error('no such situation');
      const cost = costOf(core, situation);
      const row = rowOf(await compareTraces([folder.write(LIFE)]), core.name);
      // Of the model's, the supply's lock is taken twice, and letting go of a lock is atomic, too.
      expect(row.locks).toBe(cost.locks - 2);
      expect(row.atomics).toBe(cost.writes - 2 * cost.locks);
      expect(row.callbacks).toBe(2);
    },
  );

  it.each([
    ['s390-6.1', 5, 6],
    ['s390-6.6', 5, 7],
    ['s390-6.7', 0, 0],
    ['whole-page', 0, 0],
    ['mail', null, null],
  ])('are those that the rule says: %s', async (design, locks, atomics) => {
    const row = rowOf(await compareTraces([folder.write(LIFE)]), design);
    expect(row).toMatchObject({ locks, atomics });
  });
});

describe('pages without a live table', () => {
  it('are counted while they wait, and how long they do', async () => {
    const document = await compareTraces([folder.write(LIFE)]);
    const { idle, back, gracePeriods } = rowOf(document, 'common');
    // Empty from the last R to the last U: 10 us of 80.
    expect(idle).toEqual({ peak: 1, mean: 1 / 8 });
    expect(back).toEqual({ pages: 1, p50Us: 10, p99Us: 10 });
    expect(gracePeriods).toBeNull();
    expect(rowOf(document, 'common', 'gp').gracePeriods).toBeGreaterThan(0);
  });

  it('are none where nothing was freed', async () => {
    const file = folder.write(canon('I m1', 'X m1 e', 'N m1 a0.0'));
    const { idle, back } = rowOf(await compareTraces([file]), 'common');
    expect(idle).toEqual({ peak: 0, mean: 0 });
    expect(back).toEqual({ pages: 0, p50Us: null, p99Us: null });
  });
});

describe('a pending page at the head of the list', () => {
  const TWO_PAGES = [
    ...['I m1', 'X m1 e', 'N m1 a0.0', 'H m1 a0.1', 'X m1 e', 'N m1 b0.0', 'H m1 b0.1'],
    ...['R m1 a0.0 0', 'R m1 b0.0 0'],
  ];

  it('blocks s390 where a usable one is behind it, and not common', async () => {
    const file = folder.write(canon(...TWO_PAGES, 'U b0.0 0', 'X m1 p', 'N m1 c0.0'));
    const document = await compareTraces([file]);
    expect(rowOf(document, 's390-6.1')).toMatchObject({ fresh: 3, blocked: 1 });
    expect(rowOf(document, 'common')).toMatchObject({ fresh: 2, reused: 3, blocked: 0 });
  });

  it('is no block where all behind it are pending, too', async () => {
    const file = folder.write(canon(...TWO_PAGES, 'X m1 p', 'N m1 c0.0'));
    const document = await compareTraces([file]);
    expect(rowOf(document, 's390-6.1')).toMatchObject({ fresh: 3, blocked: 0 });
  });
});

describe('deferred frees', () => {
  const compare = (defer: number, seed = 1, file = QUICK): Promise<CompareDocument> =>
    compareTraces([file], { defer, seed });
  /** Without what says how the document was asked for. */
  const figures = ({ rows, references }: CompareDocument): unknown => [
    rows,
    references.map((reference) => ({ ...reference, deferred: 0 })),
  ];

  it('change nothing where there are none', async () => {
    expect(figures(await compare(0))).toEqual(figures(await compareTraces([QUICK])));
    expect((await compare(0)).references[0]?.deferred).toBe(0);
  });

  it.each([
    ['s390-6', QUICK],
    ['powerpc-6', HASH],
  ])('make a difference to the rule of 6.6 alone, and break no rule: %s', async (rule, file) => {
    const without = await compare(0, 1, file);
    for (const share of [0.2, 0.7, 1]) {
      const document = await compare(share, 1, file);
      expect(document).toMatchObject({ verdict: 'holds', violations: [], defer: share, seed: 1 });
      const others = ({ rows }: CompareDocument): CompareRow[] =>
        rows
          .filter(({ design }) => design !== `${rule}.6`)
          // What is saved is measured against that rule.
          .map((row) => ({ ...row, saved: null }));
      expect(others(document)).toEqual(others(without));
      const ends = document.rows.map(({ pages }) => pages.atEnd);
      expect(ends).toEqual(without.rows.map(({ pages }) => pages.atEnd));
    }
  });

  it('cost s390-6.6 pages, the more the more there are', async () => {
    const means: number[] = [];
    for (const share of [0, 0.3, 1]) means.push(rowOf(await compare(share), 's390-6.6').pages.mean);
    expect(means).toEqual(means.toSorted((a, b) => a - b));
    expect(means[2]).toBeGreaterThan(means[0] ?? Number.NaN);
  });

  it('are the share that was asked for, chosen by the seed', async () => {
    const document = await compare(0.25);
    const { frees = 0, deferred = 0 } = document.references[0] ?? {};
    expect(deferred / frees).toBeCloseTo(0.25, 1);
    expect(await compare(0.25)).toEqual(document);
    expect(rowOf(await compare(0.25, 2), 's390-6.6')).not.toEqual(rowOf(document, 's390-6.6'));
    expect((await compare(1)).references[0]?.deferred).toBe(frees);
  });

  it('hold the page until the recorded end of the last one', async () => {
    const file = folder.write(LIFE);
    const { back, pages } = rowOf(await compare(1, 1, file), 's390-6.6');
    expect(back).toEqual({ pages: 1, p50Us: 10, p99Us: 10 });
    expect(pages.atEnd).toBe(0);
  });
});

describe('copies over each other', () => {
  const compare = (repeat: number, more: CompareOptions = {}): Promise<CompareDocument> =>
    compareTraces([QUICK], { repeat, designs: ['s390-6.1', 's390-6.7'], ...more });

  it('are that many times the recording, at other times', async () => {
    const [one, three] = [await compare(1), await compare(3)];
    const [alone, copies] = [one.references[0], three.references[0]];
    if (alone === undefined || copies === undefined) throw new Error('no reference');
    expect(three).toMatchObject({ repeat: 3, verdict: 'holds', violations: [] });
    expect(copies.allocations).toBe(3 * alone.allocations);
    expect(copies.mms).toBe(3 * alone.mms);
    expect(copies.frees).toBe(3 * alone.frees);
    expect(copies.seconds / alone.seconds).toBeCloseTo(5 / 3, 4);
    expect(copies.recordedGpUs).toBe(alone.recordedGpUs);
    for (const what of ['kernel', 'limit'] as const) {
      expect(copies[what].peak).toBeLessThanOrEqual(3 * alone[what].peak);
      expect(copies[what].peak).toBeGreaterThanOrEqual(alone[what].peak);
    }
    for (const { fresh, reused } of three.rows) expect(fresh + reused).toBe(copies.allocations);
  });

  it('hold that many times the pages and the limit, times how long', async () => {
    const file = folder.write(LIFE);
    const areas = async (repeat: number): Promise<number[]> => {
      const { rows, references } = await compareTraces([file], { repeat });
      const [{ kernel, limit, seconds } = { kernel: null, limit: null, seconds: 0 }] = references;
      const recorded = rows.filter(({ mode, sharing }) => mode === 'recorded' && sharing !== 'all');
      const means = [kernel, limit, ...recorded.map(({ pages }) => pages)];
      return means.map((extent) => (extent?.mean ?? Number.NaN) * seconds * 1e6);
    };
    const alone = await areas(1);
    // The page is there for 60 us, and for 10 of them no table is live. whole-page: two pages.
    expect(alone[0]).toBeCloseTo(50, 6);
    expect((await areas(4)).map((area) => area / 4)).toEqual(
      alone.map((area): unknown => expect.closeTo(area, 6)),
    );
  });

  it('are laid over each other even if the recording is shorter than their number', async () => {
    const document = await compareTraces([folder.write(LIFE)], { repeat: 200 });
    expect(document.references[0]).toMatchObject({ allocations: 400, mms: 200 });
    expect(document).toMatchObject({ verdict: 'holds', violations: [] });
    for (const { fresh, reused } of document.rows) expect(fresh + reused).toBe(400);
  });

  it('are counted and deferred each on its own', async () => {
    const document = await compare(5, { defer: 0.5, designs: ['s390-6.6'] });
    const { frees = 0, deferred = 0 } = document.references[0] ?? {};
    expect(deferred / frees).toBeCloseTo(0.5, 1);
    expect(document.violations).toEqual([]);
    expect(await compare(5, { defer: 0.5, designs: ['s390-6.6'] })).toEqual(document);
  });
});

describe('what can not be', () => {
  it.each([
    [{ defer: 1.5 }, 'bad-defer'],
    [{ defer: -0.1 }, 'bad-defer'],
    [{ defer: Number.NaN }, 'bad-defer'],
    [{ repeat: 0 }, 'bad-repeat'],
    [{ repeat: 2.5 }, 'bad-repeat'],
  ])('is refused: %o', async (options, code) => {
    await expect(compareTraces([QUICK], options)).rejects.toMatchObject({
      name: 'UsageError',
      code,
    });
  });
});

/** The comparison: the figures that are claimed, the claim itself, and how it is reported. */
import { basename } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '#src/core/base/errors.js';
import {
  type CompareDocument,
  type CompareOptions,
  type CompareRow,
  compareTraces,
} from '#src/lab/compare/compare.js';
import type { TraceProgress } from '#src/lab/trace/progress.js';
import { bundled, canon, TraceFolder } from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

const QUICK = bundled('s390x/quick.canon');
const HASH = bundled('ppc64le/quick-hash.frag');

/** Mean PTE pages; NaN: the design did not run. */
function meanOf({ rows }: CompareDocument, design: string, mode: CompareRow['mode']): number {
  const found = rows.find((row) => row.design === design && row.mode === mode);
  return found?.pages.mean ?? Number.NaN;
}

/** common, sharing within an mm, PTE tables. */
function ours(document: CompareDocument, mode: CompareRow['mode']): CompareRow {
  const found = document.rows.find(
    (row) => row.design === 'common' && row.sharing === 'mm' && row.mode === mode,
  );
  if (found === undefined) throw new Error('common is not in the document');
  return found;
}

describe('common, on the recordings of the package', () => {
  it('holds no more than the kernel in either form of a recording', async () => {
    // All others are compared in cli/recordings.test.ts.
    for (const name of ['s390x/quick.canon', 's390x/quick.frag']) {
      const document = await compareTraces([bundled(name)]);
      const [reference] = document.references;
      expect(reference?.kernel.mean).toBeCloseTo(18.78, 2);
      expect(ours(document, 'recorded').pages.mean).toBeLessThanOrEqual(18.97);
      expect(ours(document, 'gp').timesKernel).toBeLessThanOrEqual(1.01);
      expect(document).toMatchObject({ verdict: 'holds', ok: true, failed: [], violations: [] });
    }
  });

  it.each([
    // The kernel's own rule, driven as a design: what is left is that it decides and takes a page
    // in one step, where on the kernel's CPUs another allocation can come between.
    ['s390x/mix.canon', 's390-6.1'],
    ['s390x/mm3.canon', 's390-6.1'],
    ['ppc64le/mm-radix.frag', 'powerpc-6.1'],
  ])('is compared with a kernel that its own rule explains: %s', async (name, rule) => {
    const document = await compareTraces([bundled(name)], { designs: [rule] });
    const row = document.rows.find(({ design, mode }) => design === rule && mode === 'recorded');
    const kernel = document.references[0]?.kernel;
    expect((row?.pages.mean ?? 0) / (kernel?.mean ?? 0)).toBeCloseTo(1, 2);
    expect((row?.fresh ?? 0) / (kernel?.fresh ?? 0)).toBeCloseTo(1, 1.7);
  });

  it.each([
    ['s390x/quick.canon', 1.15],
    ['ppc64le/mix-radix.frag', 1.2],
  ])(
    'joins, which the mail does not: with real grace periods less than seed, %s',
    async (name, n) => {
      const document = await compareTraces([bundled(name)], { designs: ['mail'] });
      const mail = (mode: CompareRow['mode']): CompareRow['pages'] | undefined =>
        document.rows.find((row) => row.design === 'mail' && row.mode === mode)?.pages;
      expect(mail('gp')?.mean).toBeGreaterThan(n * ours(document, 'gp').pages.mean);
      expect(mail('recorded')).toEqual(ours(document, 'recorded').pages);
    },
  );

  it('is far below one page a table, and near the limit, where tables are many', async () => {
    const document = await compareTraces([bundled('ppc64le/mm-radix.frag')]);
    const wholePage = document.rows.find(({ design }) => design === 'whole-page');
    const [reference] = document.references;
    const { mean } = ours(document, 'recorded').pages;
    expect(wholePage?.pages.mean).toBeGreaterThan(90 * mean);
    expect(mean).toBeLessThan(1.5 * (reference?.limit.mean ?? 0));
  });
});

describe('the document', () => {
  it('has a row for each design, sharing, mode and kind, and bytes that fit pages', async () => {
    const document = await compareTraces([bundled('ppc64le/quick-hash.frag')]);
    const names = document.rows.map(
      ({ kind, design, sharing, mode }) => `${kind} ${design} ${sharing} ${mode}`,
    );
    const others = ['mail', 'powerpc-6.1', 'powerpc-6.6', 'whole-page'].map(
      (name) => `${name} null`,
    );
    const designs = ['common mm', 'common all', 'common-A mm', 'common-Y mm', ...others];
    const each = designs.flatMap((design) => [`${design} recorded`, `${design} gp`]);
    expect(names).toEqual([...each.map((row) => `pte ${row}`), ...each.map((row) => `pmd ${row}`)]);
    for (const { pages, bytes, kind, fresh, reused } of document.rows) {
      expect(bytes).toEqual({ peak: 65_536 * pages.peak, mean: 65_536 * pages.mean });
      expect(fresh + reused).toBe(kind === 'pte' ? 1802 : 173);
    }
    const [pte, pmd] = document.references;
    expect(pte).toMatchObject({ kind: 'pte', allocations: 1802, mms: 52, pageBytes: 65_536 });
    expect(pmd).toMatchObject({ kind: 'pmd', allocations: 173, mms: 52 });
    expect(pte?.kernel).toMatchObject({ fresh: 142, reused: 1660 });
  });

  it('takes the length of grace periods from the recording: the median wait by 1.5', async () => {
    const document = await compareTraces([QUICK]);
    expect(document.gpUs).toBeNull();
    expect(document.references[0]?.recordedGpUs).toBe(Math.round(35_236 / 1.5));
    expect(ours(document, 'gp').gpUs).toBe(23_491);
    expect(ours(document, 'recorded').gpUs).toBeNull();
  });

  it('comes for each trace as it is done, and at last for all', async () => {
    const seen: CompareDocument[] = [];
    const onTrace = (part: CompareDocument): void => void seen.push(part);
    const files = [QUICK, bundled('ppc64le/quick-radix.frag')];
    const document = await compareTraces(files, { onTrace, nameOf: basename });
    expect(seen.map(({ references }) => references.length)).toEqual([1, 2]);
    expect(seen.flatMap(({ rows }) => rows)).toEqual(document.rows);
    expect(document.references[0]?.trace).toBe('quick.canon.txt.gz');
  });

  it('is the same every time', async () => {
    expect(await compareTraces([QUICK])).toEqual(await compareTraces([QUICK]));
  });
});

describe('the claim', () => {
  it("fails where common keeps more than the kernel's rule, with grace periods alike", async () => {
    const document = await compareTraces([HASH], { gpUs: 100_000 });
    const { mean } = ours(document, 'gp').pages;
    const kernel = meanOf(document, 'powerpc-6.1', 'gp');
    expect(document).toMatchObject({ verdict: 'violated', ok: false, gpUs: 100_000 });
    expect(document.failed).toMatchObject([{ trace: HASH, mode: 'gp', mean }]);
    expect(document.failed[0]?.kernel).toBeCloseTo(kernel, 9);
    expect(document.failed[0]?.allowed).toBeCloseTo(1.01 * kernel, 9);
    expect(mean).toBeGreaterThan(1.01 * kernel);
  });

  it('is not about long grace periods, which cost the rule as much', async () => {
    const document = await compareTraces([QUICK], { gpUs: 50_000, designs: [] });
    const row = ours(document, 'gp');
    expect(row.pages.mean).toBeGreaterThan(1.05 * (document.references[0]?.kernel.mean ?? 0));
    expect(row.timesKernel).toBeCloseTo(row.pages.mean / meanOf(document, 's390-6.1', 'gp'), 9);
    expect(document.ok).toBe(true);
  });

  it('is about common alone: a design that holds more is only shown', async () => {
    const document = await compareTraces([QUICK], { designs: ['whole-page', 'common'] });
    expect(document.ok).toBe(true);
    const names = new Set(document.rows.map(({ design }) => design));
    expect([...names]).toEqual(['common', 'whole-page', 's390-6.1', 's390-6.7']);
  });

  it('has no real grace periods where none were recorded or asked for', async () => {
    const file = folder.write(canon('I m1', 'X m1 e', 'N m1 a0.0', 'H m1 a0.1'));
    const designs = ['whole-page'];
    const document = await compareTraces([file], { designs });
    expect(document.rows.map(({ mode }) => mode)).toEqual(Array(5).fill('recorded'));
    expect(document.references[0]?.recordedGpUs).toBeNull();
    const asked = await compareTraces([file], { designs, gpUs: 100 });
    expect(asked.rows).toHaveLength(10);
  });
});

describe('recordings without a page', () => {
  it('leave it open', async () => {
    const document = await compareTraces([folder.write(canon('I m1', 'D m1'))]);
    expect(document).toMatchObject({ verdict: 'inconclusive', ok: false, failed: [] });
    const both = await compareTraces([folder.write(canon('I m1', 'D m1')), QUICK]);
    expect(both.verdict).toBe('holds');
  });
});

describe('a comparison that can not be', () => {
  const outcome = (files: string[], options: CompareOptions = {}): Promise<unknown> =>
    compareTraces(files, options).catch((error: unknown) => error);

  it('is refused with what is wrong', async () => {
    expect(await outcome([])).toMatchObject({ name: 'UsageError', code: 'no-trace' });
    expect(await outcome([QUICK], { gpUs: 0 })).toMatchObject({ code: 'bad-gp' });
    expect(await outcome([QUICK], { designs: ['nix'] })).toBeInstanceOf(UsageError);
    const other = await outcome([QUICK], { designs: ['powerpc-6.1'] });
    expect(other).toMatchObject({ code: 'wrong-architecture', file: QUICK, line: 1 });
    const missing = await outcome(['nix']);
    expect(missing).toBeInstanceOf(InputError);
    expect(missing).toMatchObject({ code: 'not-found', file: 'nix' });
  });

  it('stops when its signal says so, and says how far it was', async () => {
    const controller = new AbortController();
    const seen: TraceProgress[] = [];
    const onProgress = (progress: TraceProgress): void => {
      seen.push(progress);
      if (progress.fraction > 0.5) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    expect(await outcome([bundled('s390x/mix.canon')], { signal, onProgress })).toMatchObject({
      message: 'enough',
    });
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBeLessThan(1);
    expect(seen[0]).toMatchObject({ index: 0, traces: 1 });
  });
});

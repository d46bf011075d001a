/** What a recording amounts to: counts, the kernel's pages, what would do, and the grace period. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { summarizeTrace } from '#src/lab/compare/summary.js';
import { bundled, canon, frag, RADIX_FRAG, TraceFolder } from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

describe('the bundled recordings', () => {
  it.each([
    ['s390x/quick.canon', [191, 18.78], [178, 11.78], 35_236],
    ['s390x/mix.canon', [618, 304.97], [543, 274.86], 36_391],
    ['ppc64le/quick-radix.frag', [11, 2.0], [8, 1.67], 23_164],
    ['ppc64le/quick-hash.frag', [35, 3.14], [24, 1.99], 30_034.5],
    ['ppc64le/mm-radix.frag', [38, 10.71], [6, 2.36], 25_569],
  ] as const)('have known pages and grace periods: %s', async (name, kernel, limit, grace) => {
    const summary = await summarizeTrace(bundled(name));
    expect(summary.kernel[0].peak).toBe(kernel[0]);
    expect(summary.kernel[0].mean).toBeCloseTo(kernel[1], 2);
    expect(summary.limit[0].peak).toBe(limit[0]);
    expect(summary.limit[0].mean).toBeCloseTo(limit[1], 2);
    expect(summary.graceMedianUs).toBe(grace);
  });

  it('amount to the same in both forms', async () => {
    const canonForm = await summarizeTrace(bundled('s390x/quick.canon'));
    const fragForm = await summarizeTrace(bundled('s390x/quick.frag'));
    const totals = ({ facts, kernel, limit, graceMedianUs }: typeof canonForm): unknown => {
      const { allocs, fresh, frees, freesNow, ended, mms, foreign } = facts;
      const peaks = [kernel[0].peak, limit[0].peak];
      return { allocs, fresh, frees, freesNow, ended, mms, foreign, peaks, graceMedianUs };
    };
    expect(totals(canonForm)).toEqual(totals(fragForm));
    expect(canonForm.facts.allocs[0]).toBe(1764);
    // The frag file's first record is earlier: it says when the recording began.
    expect(fragForm.durationUs - canonForm.durationUs).toBe(704);
  });
});

describe('a summary', () => {
  it('weights by time, from the first record to the last', async () => {
    // Records at 10, 20 … 90: the page is there from 30 to 80, tables live 30-60 and 40-70.
    const use = ['I m1', 'X m1 e', 'N m1 a0.0', 'H m1 a0.1', 'D p1'];
    const frees = ['R m1 a0.0 0', 'F m1 a0.1', 'U a0.0 0', 'G a0.1 1'];
    const summary = await summarizeTrace(folder.write(canon(...use, ...frees)));
    expect(summary.durationUs).toBe(80);
    expect(summary.kernel[0]).toEqual({ peak: 1, mean: 60 / 80 });
    expect(summary.limit[0]).toEqual({ peak: 1, mean: 40 / 80 });
    expect(summary.limit[1]).toEqual({ peak: 0, mean: 0 });
    expect(summary.graceMedianUs).toBe(20);
  });

  it('counts what each mm would need, by kind', async () => {
    const first = ['I m1', 'I m2', 'N m1 1f0.0 256 -', 'N m2 1f1.0 256 -', 'pN m1 1f2.0 16 -'];
    const more = ['H m1 1f0.1 -', 'H m1 1f0.2 -'];
    const summary = await summarizeTrace(folder.write(frag(RADIX_FRAG, ...first, ...more)));
    expect(summary.limit.map(({ peak }) => peak)).toEqual([2, 1]);
    // Two mms have three PTE tables, which one page could hold.
    expect(summary.limitAll.map(({ peak }) => peak)).toEqual([1, 1]);
    expect(summary.kernel.map(({ peak }) => peak)).toEqual([2, 1]);
    expect(summary.graceMedianUs).toBeNull();
  });

  it('has the exact median of the times from free to end', async () => {
    const waits = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(waits, async (durations) => {
        const { graceMedianUs } = await summarizeTrace(folder.write(logWithWaits(durations)));
        const sorted = durations.toSorted((a, b) => a - b);
        const middle = (sorted.length - 1) / 2;
        const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
        expect(graceMedianUs).toBe(((low ?? 0) + (high ?? 0)) / 2);
      }),
      { numRuns: 50 },
    );
  });

  it('stops when its signal says so', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const reading = summarizeTrace(bundled('s390x/mix.canon'), { signal });
    await expect(reading).rejects.toThrow('enough');
  });
});

/** A log of one table after the other, each waiting that long for its end. */
function logWithWaits(durations: readonly number[]): string {
  let us = 0;
  const lines = durations.flatMap((wait) => {
    us += wait;
    const [freed, ended] = [us - wait, us];
    const page = [`${freed} X m1 e`, `${freed} N m1 a0.0`, `${freed} R m1 a0.0 0`];
    return [...page, `${ended} U a0.0 1`];
  });
  return `${canon()}1 0 I m1\n${lines.map((line) => `1 ${line}\n`).join('')}`;
}

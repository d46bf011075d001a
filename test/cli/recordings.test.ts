/** What `ptfrag compare` says of all recordings of the package, and README with it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { compareVerdict } from '#src/report/compare/verdict.js';
import { priceSentences, savingsTable } from '../../scripts/readme.mjs';
import { type AnyDocument, documentIn, type Finished, ptfrag } from '../fixtures/command.js';

/** Mean pages that the kernel held, and the most that common may with recorded ends. */
const MEANS: readonly (readonly [trace: string, kernel: number, most: number])[] = [
  ['ppc64le/mix-radix.frag', 9.45, 7.7],
  ['ppc64le/mm-radix.frag', 10.71, 3.4],
  ['ppc64le/quick-hash.frag', 3.14, 3.18],
  ['ppc64le/quick-radix.frag', 2.0, 2.02],
  ['s390x/mix.canon', 304.97, 308],
  ['s390x/mm2b.canon', 314.07, 316],
  ['s390x/mm3.canon', 160.32, 160.4],
  ['s390x/quick.canon', 18.78, 18.97],
  ['s390x/storm.canon', 45.55, 45.6],
];

/** Up to those of the other designs. */
const SENTENCES = [
  "holds: on s390 common saves 45 to 48 % of the PTE pages that s390-6.7, Linux's rule of today, " +
    'holds on average (gp: 45 to 48 %), on 5 recordings: least, 83.48 to 45.54 pages (0.15 MiB) ' +
    'in s390x/storm.canon; most, 611.25 to 315.66 pages (1.15 MiB) in s390x/mm2b.canon.',
  'The price, in locks + other atomic operations + fresh pages for each table: ' +
    'common 2.7 + 1.0 + 0.36, s390-6.7 0.0 + 0.0 + 1.00.',
  "On powerpc common saves -0.3 to 70 % of the PTE pages that powerpc-6.6, Linux's rule of " +
    'today, holds on average (gp: 1.9 to 72 %), on 4 recordings: least, 3.13 to 3.15 pages ' +
    '(0.00 MiB) in ppc64le/quick-hash.frag; most, 10.71 to 3.21 pages (0.47 MiB) in ' +
    'ppc64le/mm-radix.frag.',
  'The price, in locks + other atomic operations + fresh pages for each table: ' +
    'common 2.1 + 0.1 + 0.03, powerpc-6.6 1.0 + 1.1 + 0.03.',
  'The claim is at most 1 % more pages on average than the recorded kernel, and in gp mode than ' +
    'powerpc-6.1, s390-6.1: common holds 0.30 to 1.01 times that (gp: 0.28 to 1.01).',
];

describe('compare on all recordings', () => {
  let run: Finished;
  let document: CompareDocument & AnyDocument;

  beforeAll(async () => {
    run = await ptfrag(['compare', '--json']);
    document = documentIn<CompareDocument>(run);
  });

  it('holds, and says what is saved', () => {
    expect(run.status).toBe(0);
    expect(document).toMatchObject({ schema: 1, command: 'compare', verdict: 'holds', ok: true });
    expect(document).toMatchObject({ failed: [], violations: [] });
    const sentences = compareVerdict(document);
    expect(sentences.slice(0, SENTENCES.length)).toEqual(SENTENCES);
    // No sentence has designs of two architectures, but for the claim, which is one for both.
    for (const sentence of sentences.toSpliced(SENTENCES.length - 1, 1)) {
      expect(/s390/.test(sentence) && /powerpc/.test(sentence), sentence).toBe(false);
    }
  });

  it('has those of the package', () => {
    const pte = document.references.filter(({ kind }) => kind === 'pte');
    expect(pte.map(({ trace }) => trace)).toEqual(MEANS.map(([trace]) => trace));
  });

  it.each(MEANS)('holds no more than the kernel: %s', (trace, mean, most) => {
    const reference = document.references.find((each) => each.trace === trace);
    expect(reference?.kernel.mean).toBeCloseTo(mean, 2);
    const rows = document.rows.filter((row) => row.trace === trace && row.kind === 'pte');
    const [recorded, gp] = rows.filter((row) => row.sharing === 'mm');
    expect(recorded?.pages.mean).toBeLessThanOrEqual(most);
    expect(recorded?.pages.mean).toBeLessThanOrEqual(1.01 * mean);
    expect(gp?.timesKernel).toBeLessThanOrEqual(1.01);
    const least = Math.min(...rows.map(({ pages }) => pages.mean));
    expect(least).toBeGreaterThanOrEqual(reference?.limitAll.mean ?? Number.NaN);
  });

  it('has the figures of the README (npm run docs:readme)', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`\n${savingsTable(document)}\n`);
    expect(readme).toContain(`\n${priceSentences(document)}\n`);
  });
});

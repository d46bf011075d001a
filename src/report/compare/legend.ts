/** What the comparison's figures mean: of those that it shows, and no others. */
import type { CompareDocument } from '../../lab/compare/compare.js';

/** In sentences, one for each figure. */
export function compareLegend({ references, rows }: CompareDocument): string[] {
  const real = references.filter(({ importedFrom }) => importedFrom === null);
  const rules = names(real.map(({ kernelRule }) => kernelRule));
  const against = names(references.map((reference) => reference.against));
  const shows = (mode: string): boolean => rows.some((row) => row.mode === mode);
  const entries: readonly (readonly [isShown: boolean, sentence: string])[] = [
    [
      real.length > 0,
      'recorded kernel: what the kernel held in one run of each workload; how much runs differ ' +
        "is not known. The package's recordings are of Linux 6.1 on emulated machines (QEMU).",
    ],
    [
      shows('recorded'),
      'recorded ends: each freed table waits exactly as long as it did in the recording; of two ' +
        'waits in a row the second may then take no time at all.',
    ],
    [
      shows('gp'),
      'gp: real grace periods of that length instead, one after the other while something waits ' +
        '(--gp sets it).',
    ],
    [
      rules !== '' && shows('gp'),
      `vs kernel: in gp mode, as a multiple of what the kernel's rule holds there (${rules}).`,
    ],
    [against !== '', `saved: mean pages fewer than ${against} holds (--against sets it).`],
    [
      true,
      "limit: at each instant the fewest pages that could hold each mm's live tables. all: a " +
        'page may hold tables of several mms; limit, all is the fewest for that.',
    ],
    [
      rows.some(
        ({ design, geometry }) => design === 'whole-page' && geometry.startsWith('powerpc'),
      ),
      'whole-page: a page for each table; on powerpc nobody proposes that.',
    ],
  ];
  return entries.flatMap(([isShown, sentence]) => (isShown ? [sentence] : []));
}

function names(all: readonly (string | null)[]): string {
  return [...new Set(all.filter((name) => name !== null))].join(' or ');
}

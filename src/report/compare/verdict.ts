/** The comparison's verdict in words: what is saved, what was claimed, and what failed. */
import type {
  CompareDocument,
  CompareFailure,
  CompareRow,
  CompareViolation,
} from '../../lab/compare/compare.js';
import { countOf, formatCount, formatMean, formatRatio } from '../text.js';
import { designName } from './names.js';
import { savingSentences } from './savings.js';

const VIOLATIONS_SHOWN = 10;

/** One sentence a line; the first begins with the verdict. */
export function compareVerdict(document: CompareDocument): string[] {
  const { failed, violations, ok } = document;
  if (document.verdict === 'inconclusive') {
    return [
      'inconclusive: no PTE page is held in what was recorded, so there is nothing to compare.',
    ];
  }
  const figures = [
    ...savingSentences(document),
    ...claim(document),
    ...others(document),
    ...deferral(document),
    ...copies(document),
  ];
  if (ok) {
    const [first = 'Every rule held.', ...more] = [...figures, 'Every rule held.'];
    return [`holds: ${first[0]?.toLowerCase()}${first.slice(1)}`, ...more, ...imported(document)];
  }
  const reasons = [
    ...(failed.length > 0 ? ['common holds more than the claim allows'] : []),
    ...(violations.length > 0 ? [countOf(violations.length, 'violation')] : []),
  ];
  return [
    `violated: ${reasons.join(', ')}.`,
    ...figures,
    ...failed.map(failureLine),
    ...violations.slice(0, VIOLATIONS_SHOWN).map(violationLine),
    ...more(violations.length - VIOLATIONS_SHOWN),
  ];
}

/** What can't be said of traces without a kernel. */
function imported({ references }: CompareDocument): string[] {
  const traces = new Set(references.filter((r) => r.importedFrom !== null).map((r) => r.trace));
  if (traces.size === 0) return [];
  const which = traces.size === 1 ? `${[...traces][0]} is` : `${traces.size} traces are`;
  return [
    `${which} imported: no kernel's pages and no ends were recorded, so nothing is judged ` +
      'but the rules, and grace periods are as --gp says (default: 20 ms).',
  ];
}

/** How common stands to the kernel that was recorded. */
function claim({ rows, references, claim: allowed }: CompareDocument): string[] {
  const words = times(
    rows.filter(({ design }) => design === 'common'),
    ' that',
  );
  if (words === '') return [];
  const rules = [...new Set(references.flatMap(({ kernelRule }) => kernelRule ?? []))].join(', ');
  const inGp = rows.some(({ mode }) => mode === 'gp') ? `, and in gp mode than ${rules}` : '';
  return [
    `The claim is at most ${100 * allowed.recorded} % more pages on average than the recorded ` +
      `kernel${inGp}: common holds ${words}.`,
  ];
}

/** How designs do of which nothing was said yet, each where it was driven. */
function others({ rows, references }: CompareDocument): string[] {
  const said = new Set(['common', ...references.flatMap((of) => [of.kernelRule, of.against])]);
  const architectures = new Set(rows.map(architectureOf));
  return [...architectures].flatMap((architecture) => {
    const own = rows.filter((row) => architectureOf(row) === architecture);
    const names = new Set(own.map(({ design }) => design).filter((name) => !said.has(name)));
    const words = [...names].flatMap((name) => {
      const found = times(own.filter((row) => row.design === name));
      return found === '' ? [] : [`${name} ${found}`];
    });
    return words.length > 0 ? [`The others on ${architecture}: ${words.join(', ')}.`] : [];
  });
}

/** As geometries' names begin. */
function architectureOf({ geometry }: CompareRow): string {
  return geometry.split('-', 1)[0] as string;
}

/** What deferred frees cost those that know them. */
function deferral({ rows, references, defer, seed }: CompareDocument): string[] {
  if (defer === 0) return [];
  const sum = (field: 'frees' | 'deferred'): string =>
    formatCount(references.reduce((all, row) => all + (row.kind === 'pte' ? row[field] : 0), 0));
  const meansOf = (design: string): Map<string, number> =>
    new Map(
      rows
        .filter((row) => row.design === design && row.kind === 'pte')
        .map(({ trace, mode, pages }) => [`${trace} ${mode}`, pages.mean]),
    );
  const worse = ['s390', 'powerpc'].flatMap((architecture) => {
    const before = meansOf(`${architecture}-6.1`);
    const ratios = [...meansOf(`${architecture}-6.6`)]
      .map(([run, mean]) => mean / (before.get(run) ?? Number.NaN))
      .filter(Number.isFinite);
    if (ratios.length === 0) return [];
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((n) => formatRatio(n, 1));
    const times = least === most ? least : `${least} to ${most}`;
    return [`${architecture}-6.6 holds ${times} times the pages of ${architecture}-6.1`];
  });
  const which = `${sum('deferred')} of ${sum('frees')} frees through RCU were deferred`;
  const who = worse.length === 0 ? '' : `: ${worse.join(', ')}`;
  return [`${which} (seed ${seed}), which only the rules of 6.6 tell from others${who}.`];
}

function copies({ repeat, references }: CompareDocument): string[] {
  if (repeat === 1) return [];
  const most = Math.max(...references.map(({ mmsPeak }) => mmsPeak));
  return [`${formatCount(repeat)} copies over each other: up to ${countOf(most, 'mm')} at once.`];
}

/** `0.30 to 1.00 times (gp: 0.28 to 1.02)`: PTE pages, as multiples of the kernel's. */
function times(rows: readonly CompareRow[], what = ''): string {
  const [recorded, gp] = (['recorded', 'gp'] as const).map((mode) => range(rows, mode));
  if (recorded === '') return '';
  return `${recorded} times${what}${gp === '' ? '' : ` (gp: ${gp})`}`;
}

/** '' where nothing ran in this mode, or there was no kernel. */
function range(rows: readonly CompareRow[], mode: CompareRow['mode']): string {
  const ratios = rows
    .filter((row) => row.kind === 'pte' && row.sharing !== 'all' && row.mode === mode)
    .flatMap(({ timesKernel }) => timesKernel ?? []);
  if (ratios.length === 0) return '';
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((n) => formatRatio(n, 1));
  return least === most ? `${least}` : `${least} to ${most}`;
}

function failureLine({ trace, mode, mean, kernel, allowed }: CompareFailure): string {
  const [words, whose] =
    mode === 'gp' ? ['real grace periods', "the kernel's rule"] : ['recorded ends', 'the kernel'];
  return (
    `${trace}, ${words}: common holds ${formatMean(mean)} pages on average, ${whose} ` +
    `${formatMean(kernel)}; the claim allows ${formatMean(allowed)}`
  );
}

function violationLine({ rule, trace, mode, detail, ...run }: CompareViolation): string {
  return `${rule}  ${trace}, ${designName(run)}, ${mode}: ${detail}`;
}

function more(count: number): string[] {
  return count > 0 ? [`and ${countOf(count, 'violation')} more; --json lists them all`] : [];
}

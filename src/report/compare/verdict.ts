/** The comparison's verdict in words, what is behind each figure, and what failed. */
import type {
  CompareDocument,
  CompareFailure,
  CompareRow,
  CompareViolation,
} from '../../lab/compare/compare.js';
import { countOf, formatCount, formatMean, formatRatio, formatUs } from '../text.js';

/** What the figures mean, in sentences. */
export const LEGEND: readonly string[] = [
  'recorded ends: each freed table waits exactly as long as it did in the recording; of two ' +
    'waits in a row the second may then take no time at all.',
  'gp: real grace periods of that length instead, one after the other while something waits ' +
    '(--gp sets it).',
  "limit: at each instant the fewest pages that could hold every mm's live tables.",
];

const VIOLATIONS_SHOWN = 10;

const MODES: readonly (readonly [CompareRow['mode'], words: string])[] = [
  ['recorded', 'recorded ends'],
  ['gp', 'real grace periods'],
];

/** One sentence a line. */
export function compareVerdict(document: CompareDocument): string[] {
  const { failed, violations } = document;
  if (document.ok) return [...held(document), ...imported(document)];
  if (document.verdict === 'inconclusive') {
    return [
      'inconclusive: no PTE page is held in what was recorded, so there is nothing to compare.',
    ];
  }
  const averages = averagesOf(document);
  const reasons = [
    ...(failed.length > 0 ? ['common holds more than the claim allows'] : []),
    ...(violations.length > 0 ? [countOf(violations.length, 'violation')] : []),
  ];
  return [
    `violated: ${reasons.join(', ')}; ${averages[0]}`,
    ...averages.slice(1),
    ...failed.map(failureLine),
    ...likeWithLike(document),
    ...violations.slice(0, VIOLATIONS_SHOWN).map(violationLine),
    ...more(violations.length - VIOLATIONS_SHOWN),
  ];
}

function averagesOf(document: CompareDocument): string[] {
  return [ours(document), ...others(document), ...deferral(document), ...copies(document)];
}

function held(document: CompareDocument): string[] {
  const isJudged = document.references.some(({ importedFrom }) => importedFrom === null);
  if (!isJudged) return ['holds: every rule held.', ...copies(document)];
  const averages = averagesOf(document);
  return [`holds: ${averages[0]}`, ...averages.slice(1), claim(document), 'Every rule held.'];
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

/** How common stands to the kernel. */
function ours(document: CompareDocument): string {
  const judged = document.references.filter(({ importedFrom }) => importedFrom === null);
  const traces = new Set(judged.map(({ trace }) => trace)).size;
  const where = traces === 1 ? '' : `on ${countOf(traces, 'recording')} `;
  return `${where}common holds ${times(document, 'common', " the kernel's pages on average")}.`;
}

/** How the other designs do, each where it was driven. */
function others(document: CompareDocument): string[] {
  const { rows } = document;
  const names = new Set(rows.filter((row) => row.design !== 'common').map((row) => row.design));
  const words = [...names].map((name) => `${name} ${times(document, name, '')}`);
  return words.length > 0 ? [`The others: ${words.join(', ')}.`] : [];
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

/** `0.30 to 1.00 times … (gp: 0.28 to 1.02)`: PTE pages, as multiples of the kernel's. */
function times(document: CompareDocument, design: string, what: string): string {
  const [recorded, gp] = MODES.map(([mode]) => range(document, design, mode));
  return `${recorded} times${what}${gp === '' ? '' : ` (gp: ${gp})`}`;
}

/** '' where the design did not run in this mode. */
function range(document: CompareDocument, design: string, mode: CompareRow['mode']): string {
  const ratios = document.rows
    .filter((row) => row.design === design && row.kind === 'pte' && row.sharing !== 'all')
    .filter((row) => row.mode === mode)
    .map((row) => row.pages.mean / kernelMean(document, row.trace))
    .filter(Number.isFinite);
  if (ratios.length === 0) return '';
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((n) => formatRatio(n, 1));
  return least === most ? `${least}` : `${least} to ${most}`;
}

function kernelMean({ references }: CompareDocument, trace: string): number {
  const reference = references.find((other) => other.trace === trace && other.kind === 'pte');
  return reference?.kernel.mean ?? Number.NaN;
}

function claim({ claim: allowed }: CompareDocument): string {
  const parts = MODES.map(([mode, words]) => `${100 * allowed[mode]} % more with ${words}`);
  return `The claim allows ${parts.join(', ')}.`;
}

function failureLine({ trace, mode, mean, kernel, allowed }: CompareFailure): string {
  const words = MODES.find(([name]) => name === mode)?.[1];
  return (
    `${trace}, ${words}: common holds ${formatMean(mean)} pages on average, the kernel ` +
    `${formatMean(kernel)}; the claim allows ${formatMean(allowed)}`
  );
}

/** Longer grace periods than the kernel had are not its fault, nor ours. */
function likeWithLike({ gpUs, failed, references }: CompareDocument): string[] {
  const traces = failed.filter(({ mode }) => mode === 'gp').map(({ trace }) => trace);
  const own = references
    .filter(({ trace, kind }) => kind === 'pte' && traces.includes(trace))
    .flatMap(({ recordedGpUs }) => recordedGpUs ?? []);
  if (gpUs === null || !own.some((us) => us < gpUs)) return [];
  const lengths = [...new Set([Math.min(...own), Math.max(...own)])].map(formatUs).join(' to ');
  return [
    `--gp asked for grace periods of ${formatUs(gpUs)}; the kernel's own took about ${lengths}.`,
  ];
}

function violationLine({ rule, trace, design, sharing, mode, detail }: CompareViolation): string {
  const who = sharing === 'all' ? `${design}, sharing all` : design;
  return `${rule}  ${trace}, ${who}, ${mode}: ${detail}`;
}

function more(count: number): string[] {
  return count > 0 ? [`and ${countOf(count, 'violation')} more; --json lists them all`] : [];
}

/** What common saves against the kernel of today, and what that costs: in words. */
import type { CompareDocument } from '../../lab/compare/compare.js';
import type { Cost, Saving, TraceSaving } from '../../lab/compare/saved.js';
import { countOf, fixed, formatMean, formatMib, formatShare } from '../text.js';

/** For each architecture what is saved, and then the price; the largest saving first. */
export function savingSentences({ savings }: CompareDocument): string[] {
  // Recorded ends, and with them what it is in gp mode; an imported trace has gp alone.
  const leading = savings
    .filter(({ mode, imported }) => mode === 'recorded' || imported)
    .toSorted((a, b) => b.most.bytes - a.most.bytes);
  return leading.flatMap((saving) => {
    const gp = savings.find(
      (other) =>
        other.mode === 'gp' &&
        other !== saving &&
        other.architecture === saving.architecture &&
        other.imported === saving.imported &&
        other.against === saving.against,
    );
    return [savingSentence(saving, gp ?? null), priceSentence(saving)];
  });
}

function savingSentence(saving: Saving, gp: Saving | null): string {
  const { architecture, imported, against, newest, traces, least, most } = saving;
  const where = imported ? `On imported traces, as on ${architecture},` : `On ${architecture}`;
  const whose = newest ? `${against}, Linux's rule of today, holds` : `${against} holds`;
  const ends = traces === 1 ? fromTo(most) : `least, ${fromTo(least)}; most, ${fromTo(most)}`;
  const range = `${rangeOf(saving)} of the PTE pages that ${whose} on average`;
  const modes = gp === null ? '' : ` (gp: ${rangeOf(gp)})`;
  const among = traces === 1 ? '' : `, on ${countOf(traces, 'recording')}`;
  return `${where} common saves ${range}${modes}${among}: ${ends}.`;
}

function rangeOf({ least, most }: Saving): string {
  const [from, to] = [formatShare(least.share), formatShare(most.share)];
  return from === to ? to : `${from.replace(' %', '')} to ${to}`;
}

function fromTo({ trace, from, to, bytes }: TraceSaving): string {
  return `${formatMean(from)} to ${formatMean(to)} pages (${formatMib(bytes)} MiB) in ${trace}`;
}

function priceSentence({ against, cost, costAgainst }: Saving): string {
  const other = priceOf(costAgainst);
  const unknown = other.includes('?') ? ' (?: its rule does not say)' : '';
  return (
    'The price, in locks + other atomic operations + fresh pages for each table: common ' +
    `${priceOf(cost)}, ${against} ${other}${unknown}.`
  );
}

function priceOf({ locks, atomics, fresh }: Cost): string {
  const counted = [locks, atomics].map((count) => (count === null ? '?' : fixed(count, 1)));
  return [...counted, fixed(fresh, 2)].join(' + ');
}

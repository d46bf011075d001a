/** What is kept of a comparison to be drawn: no peak is lost, and it is what the figures are of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompareDocument, compareTraces } from '#src/lab/compare/compare.js';
import { Curve, coarser, SPANS, type Spans } from '#src/lab/compare/curve.js';
import type { TraceHistory } from '#src/lab/compare/history.js';
import { bundled } from '../../fixtures/trace-files.js';

type Change = readonly [timeUs: number, value: number];

/** Of each span the values at its beginning and after each change in it. */
function byHand(changes: readonly Change[], lastUs: number, spans: number): Spans {
  const spanOf = (timeUs: number): number =>
    Math.min(spans - 1, Math.floor((timeUs / Math.max(1, lastUs)) * spans));
  const values = Array.from({ length: spans }, (_, span) => [
    changes.filter(([timeUs]) => spanOf(timeUs) < span).at(-1)?.[1] ?? 0,
    ...changes.filter(([timeUs]) => spanOf(timeUs) === span).map(([, value]) => value),
  ]);
  return {
    low: values.map((some) => Math.min(...some)),
    high: values.map((some) => Math.max(...some)),
  };
}

function drawn(changes: readonly Change[], lastUs: number, spans: number): Spans {
  const curve = new Curve(1000, 1000 + lastUs, spans);
  for (const [timeUs, value] of changes) curve.set(1000 + timeUs, value);
  return curve.finish();
}

const CHANGES = fc
  .array(fc.tuple(fc.nat({ max: 256 }), fc.nat({ max: 9 })))
  .map((changes) => changes.sort(([a], [b]) => a - b));

describe('a curve', () => {
  it('has the least and the most of each span', () => {
    fc.assert(
      fc.property(CHANGES, (changes) => {
        expect(drawn(changes, 256, 8)).toEqual(byHand(changes, 256, 8));
      }),
    );
  });

  it('loses no peak, not even one that lasts no time', () => {
    const { high, low } = drawn(
      [
        [5, 7],
        [100, 9],
        [100, 1],
      ],
      200,
      4,
    );
    expect(high).toEqual([7, 7, 9, 1]);
    expect(low).toEqual([0, 7, 1, 1]);
  });

  it('can last no time at all', () => {
    expect(drawn([[0, 3]], 0, 2)).toEqual({ low: [0, 3], high: [3, 3] });
    expect(drawn([], 0, 2)).toEqual({ low: [0, 0], high: [0, 0] });
  });

  it('is, made coarser, what it would have been', () => {
    fc.assert(
      fc.property(CHANGES, (changes) => {
        const fine = coarser(drawn(changes, 256, 32), 4);
        expect(fine).toEqual(byHand(changes, 256, 8));
      }),
    );
  });
});

/** The mean that the spans allow: between that of all the least and that of all the most. */
function bounds({ low, high }: Spans): [number, number] {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean(low), mean(high)];
}

async function historiesOf(
  names: readonly string[],
): Promise<{ document: CompareDocument; histories: TraceHistory[] }> {
  const histories: TraceHistory[] = [];
  const document = await compareTraces(names.map(bundled), {
    onHistory: (history) => histories.push(history),
  });
  return { document, histories };
}

describe('the history of a trace', () => {
  it('has the peak of each row, and a mean that agrees', async () => {
    const { document, histories } = await historiesOf([
      's390x/quick.canon',
      'ppc64le/quick-hash.frag',
    ]);
    expect(histories.map(({ trace }) => trace)).toEqual([
      ...new Set(document.rows.map(({ trace }) => trace)),
    ]);
    for (const { trace, kernel, limit, limitAll, runs } of histories) {
      const rows = document.rows.filter((row) => row.trace === trace && row.kind === 'pte');
      const reference = document.references.find((other) => other.trace === trace);
      expect(runs).toHaveLength(rows.length);
      const pairs = [
        [kernel, reference?.kernel],
        [limit, reference?.limit],
        [limitAll, reference?.limitAll],
        ...runs.map(({ pages }, at) => [pages, rows[at]?.pages] as const),
      ] as const;
      for (const [spans, figures] of pairs) {
        const [least, most] = bounds(spans);
        expect(spans.high).toHaveLength(SPANS);
        expect(Math.max(...spans.high)).toBe(figures?.peak);
        expect(figures?.mean).toBeGreaterThanOrEqual(least);
        expect(figures?.mean).toBeLessThanOrEqual(most);
      }
    }
  });

  it('has grace periods in gp mode, one after the other', async () => {
    const { histories } = await historiesOf(['s390x/quick.canon']);
    const [history] = histories;
    for (const { mode, gpUs, graces, gracesLost } of history?.runs ?? []) {
      expect(graces.length > 0).toBe(mode === 'gp');
      expect(gracesLost).toBe(0);
      const gaps = graces.slice(1).map((begins, at) => begins - (graces[at] ?? 0));
      expect(gaps.every((gap) => gap >= (gpUs ?? 0))).toBe(true);
      expect(graces.every((begins) => begins <= (history?.durationUs ?? 0))).toBe(true);
    }
  });

  it('says how many grace periods it does not have', async () => {
    const histories: TraceHistory[] = [];
    await compareTraces([bundled('s390x/mix.canon')], {
      designs: ['whole-page'],
      gpUs: 1,
      onHistory: (history) => histories.push(history),
    });
    const run = histories[0]?.runs.find(
      ({ design, mode }) => design === 'whole-page' && mode === 'gp',
    );
    expect(run?.graces).toHaveLength(10_000);
    expect(run?.gracesLost).toBeGreaterThan(1000);
  });

  it('has what the recording says of its tables', async () => {
    const { document, histories } = await historiesOf(['s390x/quick.canon']);
    const [{ live, waiting } = { live: { high: [] }, waiting: { high: [] } }] = histories;
    const limit = document.references[0]?.limit.peak ?? 0;
    // Two tables in a page: what the limit holds at its peak are between as many and twice as many.
    expect(Math.max(...live.high)).toBeGreaterThanOrEqual(limit);
    expect(Math.max(...live.high)).toBeLessThanOrEqual(2 * limit);
    expect(Math.max(...waiting.high)).toBeGreaterThan(0);
  });

  it('costs nothing where nobody asks: the document is the same', async () => {
    const { document } = await historiesOf(['s390x/quick.canon']);
    expect(await compareTraces([bundled('s390x/quick.canon')])).toEqual(document);
  });
});

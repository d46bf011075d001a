/** Random histories of address spaces, in every format, against a map from pages to frames. */
import fc from 'fast-check';
import { attach, createHeap } from 'ptfrag';
import { createSpace } from 'ptfrag/pgtable';
import { describe, expect, it } from 'vitest';
import { PROT, withRead } from '#src/core/pgtable/format.js';
import { ENTRY_FORMATS } from '#src/core/pgtable/formats/index.js';
import { pagesOf, spanOf } from '#src/core/pgtable/space.js';
import { LONG } from '../../support/long.js';
import { Pages, type Shape } from '../../support/pages.js';

const RUNS = LONG ? 400 : 12;

const SPACES_MAX = 3;

const OPS = [
  ...Array(6).fill('map'),
  ...Array(6).fill('mapPage'),
  ...Array(5).fill('unmap'),
  ...Array(4).fill('protect'),
  ...Array(4).fill('collapse'),
  'split',
  'fork',
  'exit',
] as readonly string[];

/** What, on which space, where in which zone, how many pages, and which frames and rights. */
interface Step {
  readonly op: string;
  readonly who: number;
  readonly zone: number;
  readonly page: number;
  readonly count: number;
  readonly frame: number;
  readonly prot: number;
}

/** All that every format can keep: what may be written or executed may be read. */
const PROTS = Array.from({ length: 32 }, (_, prot) => withRead(prot)).filter(
  (prot) => (prot & PROT.read) !== 0 || (prot & (PROT.write | PROT.exec)) === 0,
);

function stepOf(span: number): fc.Arbitrary<Step> {
  // Often at the borders of a table, where ranges meet and large pages end.
  const place = fc.oneof(
    fc.nat({ max: span - 1 }),
    fc.constantFrom(0, 1, span - 1, span, span + 1).filter((page) => page < 2 * span),
  );
  return fc.record({
    op: fc.constantFrom(...OPS),
    who: fc.nat({ max: SPACES_MAX - 1 }),
    zone: fc.nat({ max: 3 }),
    page: place,
    count: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, span - 1, span)),
    frame: fc.nat({ max: 2 ** 16 - 1 - 2 * span }),
    prot: fc.constantFrom(...PROTS),
  });
}

function shapeOf(name: string): Shape {
  const format = ENTRY_FORMATS[name]!;
  const span = spanOf(format, 1);
  const end = 2 ** (format.addressBits - format.pageShift);
  const middle = pagesOf(format, format.depths[0] as number) / 4;
  // The beginning, the middle of the least tree, and the end of the deepest: a tree that grows.
  const zones = [0, 4 * span, middle, end - 2 * span].map(BigInt);
  return { span, zones };
}

function act(spaces: Pages[], shape: Shape, step: Step): void {
  const at = step.who % spaces.length;
  const pages = spaces[at] as Pages;
  const page = (shape.zones[step.zone] as bigint) + BigInt(step.page);
  // Within the zone's two spans, so that the last does not end beyond what can be mapped.
  const count = Math.min(step.count, 2 * shape.span - step.page);
  if (step.op === 'map') pages.map(page, count, step.frame, step.prot);
  if (step.op === 'mapPage') pages.mapPage(page, step.frame, step.prot);
  if (step.op === 'unmap') pages.unmap(page, count);
  if (step.op === 'protect') pages.protect(page, count, step.prot);
  if (step.op === 'collapse') pages.collapse(page, step.frame, step.prot);
  if (step.op === 'split') pages.split(page);
  if (step.op === 'fork' && spaces.length < SPACES_MAX) spaces.push(pages.fork());
  if (step.op === 'exit' && spaces.length > 1) {
    pages.space.exit();
    spaces.splice(at, 1);
  }
}

describe.each(Object.keys(ENTRY_FORMATS))('address spaces of %s', (geometry) => {
  const shape = shapeOf(geometry);

  it('are what a map from pages to frames is, after any history', () => {
    fc.assert(
      fc.property(fc.array(stepOf(shape.span), { maxLength: 24 }), (steps) => {
        const { buffer } = createHeap({ geometry, pages: 512, mmsMax: 64, debug: true });
        const thread = attach(buffer);
        const first = createSpace(thread);
        const tlb = first.createTlb(64);
        const spaces = [new Pages(thread, shape, tlb, first)];
        for (const step of steps) {
          act(spaces, shape, step);
          for (const each of spaces) each.verify();
        }
        for (const { space } of spaces) space.exit();
        thread.barrier();
        expect(thread.check({ drained: true })).toEqual([]);
        const { free, limit } = thread.pages();
        expect(free).toBe(limit);
      }),
      { numRuns: RUNS },
    );
  });
});

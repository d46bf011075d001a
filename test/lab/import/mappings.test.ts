/** Which tables an address space has, against a bitmap of its pages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GEOMETRIES } from '#src/core/pgtable/geometry.js';
import { Areas } from '#src/lab/import/areas.js';
import { Mappings, PAGE_BYTES } from '#src/lab/import/mappings.js';
import { spansOf } from '#src/lab/import/spans.js';
import { sharesOf } from '#src/lab/trace/shares.js';

const PAGES = 64;
const PTE_PAGES = 4;
const PMD_PAGES = 16;
const SPANS = { pte: PTE_PAGES * PAGE_BYTES, pmd: PMD_PAGES * PAGE_BYTES };

/** Live tables by `mm kind index`. Fails where one is made twice, or freed and not there. */
class Tables {
  readonly live = new Set<string>();

  alloc(mm: number, kind: 0 | 1, index: number): void {
    const name = `${mm} ${kind} ${index}`;
    expect(this.live.has(name), `${name} is made`).toBe(false);
    this.live.add(name);
  }

  free(mm: number, kind: 0 | 1, index: number): void {
    const name = `${mm} ${kind} ${index}`;
    expect(this.live.delete(name), `${name} is freed`).toBe(true);
  }

  of(mm: number): string[] {
    return [...this.live].filter((name) => name.startsWith(`${mm} `)).sort();
  }
}

/** What a page is to the model: free, or mapped so that a fork copies it, or so that it doesn't. */
type PageState = 'free' | 'copied' | 'shared';

/** The rules, page by page, as slowly as they can be told. */
class Model {
  pages: PageState[] = new Array<PageState>(PAGES).fill('free');
  unknown: boolean[] = new Array<boolean>(PAGES).fill(false);
  ptes = new Set<number>();
  pmds = new Set<number>();

  touch(page: number): void {
    const span = Math.floor(page / PTE_PAGES);
    this.ptes.add(span);
    this.pmds.add(Math.floor(page / PMD_PAGES));
    if (this.pages[page] !== 'free') return;
    const known = this.unknownOf(span);
    const from = Math.min(page, ...known);
    const to = Math.max(page, ...known);
    for (let at = from; at <= to; at++) this.unknown[at] = true;
  }

  map(from: number, to: number, state: PageState): void {
    this.unmap(from, to);
    this.pages.fill(state, from, to);
  }

  unmap(from: number, to: number): void {
    this.pages.fill('free', from, to);
    for (let span = 0; span < PAGES / PTE_PAGES; span++) {
      const known = this.unknownOf(span);
      const [first = -1, last = -1] = [known[0], known.at(-1)];
      const cutsEnd = (first >= from && first < to) || (last >= from && last < to);
      if (cutsEnd)
        for (const page of known) if (page >= from && page < to) this.unknown[page] = false;
    }
    this.free(this.ptes, PTE_PAGES, from, to, (page) => this.unknown[page] === true);
    const below = (page: number): boolean => this.ptes.has(Math.floor(page / PTE_PAGES));
    this.free(this.pmds, PMD_PAGES, from, to, below);
  }

  fork(): Model {
    const child = new Model();
    child.pages = [...this.pages];
    for (const span of this.ptes) {
      const pages = pagesOf(span, PTE_PAGES);
      if (!pages.some((page) => this.pages[page] === 'copied' || this.unknown[page])) continue;
      child.ptes.add(span);
      child.pmds.add(Math.floor((span * PTE_PAGES) / PMD_PAGES));
      for (const page of pages) child.unknown[page] = this.unknown[page] === true;
    }
    return child;
  }

  tables(mm: number): string[] {
    const names = (kind: number, found: Set<number>): string[] =>
      [...found].map((index) => `${mm} ${kind} ${index}`);
    return [...names(0, this.ptes), ...names(1, this.pmds)].sort();
  }

  private unknownOf(span: number): number[] {
    return pagesOf(span, PTE_PAGES).filter((page) => this.unknown[page]);
  }

  /** Frees the tables of spans that the range reaches into and in which nothing is left. */
  private free(
    tables: Set<number>,
    pages: number,
    from: number,
    to: number,
    keeps: (page: number) => boolean,
  ): void {
    for (const index of [...tables]) {
      const span = pagesOf(index, pages);
      const isHit = span.some((page) => page >= from && page < to);
      const isUsed = span.some((page) => this.pages[page] !== 'free' || keeps(page));
      if (isHit && !isUsed) tables.delete(index);
    }
  }
}

function pagesOf(index: number, pages: number): number[] {
  return Array.from({ length: pages }, (_, i) => index * pages + i);
}

const page = fc.integer({ min: 0, max: PAGES - 1 });
const range = fc
  .tuple(page, fc.integer({ min: 1, max: 20 }))
  .map(([from, length]): [number, number] => [from, Math.min(PAGES, from + length)]);
const touch = fc.record({ op: fc.constant('touch' as const), page });
const operation = fc.oneof(
  touch,
  touch,
  fc.record({ op: fc.constant('map' as const), range, state: fc.constantFrom('copied', 'shared') }),
  fc.record({ op: fc.constant('add' as const), range }),
  fc.record({ op: fc.constant('unmap' as const), range }),
  touch,
  fc.record({ op: fc.constant('fork' as const) }),
  fc.record({
    op: fc.constant('move' as const),
    within: page,
    to: page,
    length: fc.integer({ min: 1, max: 20 }),
    keep: fc.boolean(),
  }),
  fc.record({
    op: fc.constant('resize' as const),
    within: page,
    length: fc.integer({ min: 1, max: 20 }),
  }),
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** One address space and its model, through the same operations. */
class Pair {
  readonly tables: Tables;
  readonly mm: number;
  space: Mappings;
  model = new Model();

  constructor(tables: Tables, mm: number) {
    this.tables = tables;
    this.mm = mm;
    this.space = new Mappings(mm, new Areas(), SPANS, tables);
  }

  apply(operation: Operation): void {
    const { space, model } = this;
    switch (operation.op) {
      case 'map': {
        const [from, to] = operation.range;
        const copied = operation.state === 'copied';
        space.map({ ...bytes(from, to), copied, idle: false, image: null, offset: 0 });
        model.map(from, to, copied ? 'copied' : 'shared');
        break;
      }
      case 'add': {
        const [from, to] = operation.range;
        space.add({ ...bytes(from, to), copied: true, idle: false, image: null, offset: 0 });
        for (let at = from; at < to; at++) {
          if (model.pages[at] === 'free') model.pages[at] = 'copied';
        }
        break;
      }
      case 'unmap': {
        const { from, to } = bytes(...operation.range);
        space.unmap(from, to);
        model.unmap(...operation.range);
        break;
      }
      case 'touch':
        space.touch(operation.page * PAGE_BYTES + 7);
        model.touch(operation.page);
        break;
      case 'move':
        this.move(operation.within, operation.to, operation.length, operation.keep);
        break;
      case 'resize':
        this.resize(operation.within, operation.length);
        break;
    }
  }

  /** To a place that does not overlap it: as Linux has it. */
  private move(within: number, target: number, length: number, keep: boolean): void {
    const { space, model } = this;
    const [from, to] = this.mappingAt(within);
    const end = target + length;
    const state = model.pages[from] as PageState;
    if (state === 'free' || end > PAGES || (target < to && end > from)) return;
    const old = bytes(from, to);
    const next = bytes(target, end);
    space.remap(old.from, old.to, next.from, next.to, keep);
    const had = new Set(model.ptes);
    model.map(target, end, state);
    for (let at = from; at < Math.min(to, from + length); at++) {
      if (had.has(Math.floor(at / PTE_PAGES))) model.touch(at - from + target);
    }
    if (!keep) model.unmap(from, to);
  }

  private resize(within: number, length: number): void {
    const { space, model } = this;
    const [from, to] = this.mappingAt(within);
    const end = from + length;
    const state = model.pages[from] as PageState;
    const hasRoom = model.pages.slice(to, end).every((s) => s === 'free');
    if (state === 'free' || end > PAGES || !hasRoom) return;
    const [old, next] = [bytes(from, to), bytes(from, end)];
    space.remap(old.from, old.to, next.from, next.to, false);
    if (end > to) model.map(to, end, state);
    else model.unmap(end, to);
  }

  /** The longest range around a page that is mapped in one way. */
  private mappingAt(within: number): [from: number, to: number] {
    const { pages } = this.model;
    let [from, to] = [within, within + 1];
    while (from > 0 && pages[from - 1] === pages[within]) from--;
    while (to < PAGES && pages[to] === pages[within]) to++;
    return [from, to];
  }

  fork(mm: number): Pair {
    const child = new Pair(this.tables, mm);
    child.space = new Mappings(mm, this.space.areas.copy(), SPANS, this.tables);
    this.space.copyTables(child.space);
    child.model = this.model.fork();
    return child;
  }

  check(): void {
    expect(this.tables.of(this.mm)).toEqual(this.model.tables(this.mm));
  }
}

function bytes(from: number, to: number): { from: number; to: number } {
  return { from: from * PAGE_BYTES, to: to * PAGE_BYTES };
}

describe('the tables of an address space', () => {
  it('are those that a bitmap of its pages says, after every call', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 20, maxLength: 80 }), (operations) => {
        const tables = new Tables();
        let pair = new Pair(tables, 1);
        const pairs = [pair];
        for (const operation of operations) {
          if (operation.op === 'fork') {
            pair = pair.fork(pairs.length + 1);
            pairs.push(pair);
          } else pair.apply(operation);
          for (const each of pairs) each.check();
        }
        for (const { space } of pairs) space.end();
        expect(tables.live.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('that no known mapping explains stay until their pages are unmapped', () => {
    const tables = new Tables();
    const space = new Mappings(1, new Areas(), { pte: SPANS.pte, pmd: 0 }, tables);
    space.touch(PAGE_BYTES);
    space.touch(3 * PAGE_BYTES);
    space.unmap(0, 2 * PAGE_BYTES);
    expect(tables.live.size).toBe(1);
    space.unmap(2 * PAGE_BYTES, SPANS.pte);
    expect(tables.live.size).toBe(0);
  });

  it('of a wide range are found without a walk over all of it', () => {
    const tables = new Tables();
    const space = new Mappings(1, new Areas(), { pte: SPANS.pte, pmd: 0 }, tables);
    space.map({ from: 0, to: 2 ** 52, copied: true, idle: false, image: null, offset: 0 });
    space.touch(2 ** 51);
    space.unmap(0, 2 ** 52);
    expect(tables.live.size).toBe(0);
  });
});

describe('spans', () => {
  const KIB = 1024;
  const MIB = KIB * KIB;
  const GIB = KIB * MIB;

  it.each([
    ['s390', MIB, 0, [2, 0]],
    ['powerpc-hash-64k', 16 * MIB, 16 * GIB, [16, 4]],
    ['powerpc-radix-64k', 2 * MIB, GIB, [256, 16]],
    ['powerpc-radix-4k', 2 * MIB, 0, [1, 0]],
    ['powerpc-8xx-16k', 4 * MIB, 0, [4, 0]],
    ['generic', 2 * MIB, 0, [1, 0]],
  ])('are those of the architecture: %s', (name, pte, pmd, shares) => {
    const geometry = GEOMETRIES[name];
    if (geometry === undefined) throw new Error(`no geometry ${name}`);
    expect(spansOf(geometry)).toEqual({ pte, pmd });
    expect(sharesOf(geometry)).toEqual(shares);
  });
});

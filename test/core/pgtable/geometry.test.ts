/** The built-in geometries: sizes of Linux, in words of this machine. */
import { describe, expect, it } from 'vitest';
import type { KindId } from '#src/core/base/units.js';
import { allocTable } from '#src/core/frag/alloc.js';
import { createMm } from '#src/core/frag/mm.js';
import { LITTLE_ENDIAN } from '#src/core/mem/endian.js';
import { ENTRY_FORMATS } from '#src/core/pgtable/formats/index.js';
import { GEOMETRIES, geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';
import { contentsOf, emptyContents, makeHeap } from '../../support/heap.js';

/** Page, then for each kind: bytes, tables of a page, entries of 64 bits, order (docs of §9). */
const SIZES: Readonly<Record<string, readonly [number, ...(readonly number[])[]]>> = {
  s390: [4096, [2048, 2, 256, 0], ...Array(4).fill([16384, 1, 2048, 2])],
  'powerpc-hash-64k': [
    65536,
    [4096, 16, 256, 0],
    [16384, 4, 1024, 0],
    [8192, 8, 1024, 0],
    [4096, 16, 256, 0],
  ],
  'powerpc-radix-64k': [
    65536,
    [256, 256, 32, 0],
    [4096, 16, 512, 0],
    [4096, 16, 512, 0],
    [65536, 1, 8192, 0],
  ],
  'powerpc-radix-4k': [4096, ...Array(3).fill([4096, 1, 512, 0]), [65536, 1, 8192, 4]],
  'powerpc-8xx-16k': [16384, [4096, 4, 512, 0]],
  generic: [4096, ...Array(4).fill([4096, 1, 512, 0])],
  'riscv-sv39': [4096, ...Array(3).fill([4096, 1, 512, 0])],
};

describe('the geometries', () => {
  it('are these', () => {
    expect(Object.keys(GEOMETRIES).sort()).toEqual(Object.keys(SIZES).sort());
  });

  it.each(Object.entries(SIZES))(
    '%s has the sizes of its architecture',
    (name, [page, ...rows]) => {
      const geometry = geometryNamed(name);
      expect(geometry.pageBytes).toBe(page);
      const kinds = kindsOf(geometry).map((kind) => [
        kind.fragmentWords * 4,
        kind.perPage,
        kind.entryWords / 2,
        kind.order,
      ]);
      expect(kinds).toEqual(rows);
    },
  );

  it.each(Object.keys(SIZES))('%s makes a heap, and the heap has its kinds', (name) => {
    const { heap } = makeHeap({ geometry: name, pagesMax: 1 });
    expect(heap.geometry).toBe(name);
    expect(heap.kinds).toMatchObject(kindsOf(geometryNamed(name)));
    expect(heap.kinds[0]?.name).toBe('pte');
  });

  it('have the empty values of Linux, the low word first on a little-endian machine', () => {
    const low = LITTLE_ENDIAN ? 0 : 1;
    const empty = (name: string): number[][] =>
      kindsOf(geometryNamed(name)).map((kind) => emptyContents(kind).slice(0, 2));
    const pair = (value: number): number[] => (low === 0 ? [value, 0] : [0, value]);
    expect(empty('s390')).toEqual([0x400, 0x20, 0x24, 0x28, 0x2c].map(pair));
    expect(empty('powerpc-radix-64k').flat()).toEqual(Array(8).fill(0));
  });

  it('let R and C linger in the low word of a radix PTE, and hash slots behind the entries', () => {
    const radix = kindsOf(geometryNamed('powerpc-radix-64k'))[0];
    expect(LITTLE_ENDIAN ? radix?.residueEven : radix?.residueOdd).toBe(0x180);
    expect(LITTLE_ENDIAN ? radix?.residueOdd : radix?.residueEven).toBe(0);
    const [pte, pmd, pud, pgd] = kindsOf(geometryNamed('powerpc-hash-64k'));
    const slots = [pte, pmd, pud, pgd].map((k) => (k ? k.fragmentWords - k.entryWords : -1));
    expect(slots).toEqual([512, 2048, 0, 512]);
  });

  /** Of Linux's tables; what the processors ask for is in formats, and never more. */
  it.each(Object.keys(GEOMETRIES))('%s has every table at a multiple of its size', (name) => {
    const { kinds } = geometryNamed(name);
    // Other numbers of records end on other pages, so that luck aligns not all of them.
    for (const mmsMax of [2, 9, 40, 77, 150]) {
      const { thread } = makeHeap({ geometry: name, pagesMax: 64, mmsMax });
      const mm = createMm(thread);
      kinds.forEach(({ bytes }, kind) => {
        for (let i = 0; i < 3; i++) {
          const table = allocTable(thread, mm, kind as KindId) ?? Number.NaN;
          expect((table * 4) % bytes).toBe(0);
        }
      });
    }
  });

  it('are aligned to no more than their size by any format, and in powers of two', () => {
    for (const { levels, geometry } of Object.values(ENTRY_FORMATS)) {
      levels.forEach(({ alignBytes }, number) => {
        expect(geometry.kinds[number]!.bytes % alignBytes).toBe(0);
        expect(Number.isInteger(Math.log2(alignBytes))).toBe(true);
      });
    }
  });

  it('are aligned as the manuals ask, from the lowest level up', () => {
    const of = (name: string): number[] =>
      ENTRY_FORMATS[name]!.levels.map(({ alignBytes }) => alignBytes);
    expect(of('s390')).toEqual([2048, 4096, 4096, 4096, 4096]);
    expect(of('powerpc-radix-64k')).toEqual([256, 4096, 4096, 65536]);
    expect(of('powerpc-radix-4k')).toEqual([4096, 4096, 4096, 65536]);
    expect(of('generic')).toEqual([4096, 4096, 4096, 4096]);
    expect(of('riscv-sv39')).toEqual([4096, 4096, 4096]);
  });

  it('are found by name, and an unknown name is refused with the known ones', () => {
    expect(geometryNamed('s390').name).toBe('s390');
    for (const name of ['s39', 'toString', '']) {
      expect(() => geometryNamed(name)).toThrow(
        expect.objectContaining({ name: 'UsageError', code: 'no-such-geometry' }),
      );
    }
    expect(() => geometryNamed('x')).toThrow(/^no geometry 'x'; there are: .*s390.*generic/);
  });

  it('begin as zeroed memory until a page is filled', () => {
    const { heap } = makeHeap({ geometry: 's390', pagesMax: 1 });
    expect(new Set(contentsOf(heap, heap.pagesAt))).toEqual(new Set([0]));
  });
});

/** Which entry a page goes through, and how far a tree reaches, against sums of big integers. */
import { expect, it } from 'vitest';
import type { Word } from '#src/core/base/units.js';
import type { EntryFormat, Level } from '#src/core/pgtable/format.js';
import { entryAt, reaches } from '#src/core/pgtable/space.js';

const TABLE = 4096 as Word;
const INDEX_BITS = 9;
const SHIFTS = [0, 1, 9, 18, 22, 23, 24, 27, 30, 31, 32, 33, 36, 40];

/** Numbers of 52 bits: each bit alone, those beside it, and some of many bits. */
const PAGES = [
  ...Array.from({ length: 52 }, (_, bit) => [2 ** bit - 1, 2 ** bit, 2 ** bit + 1]).flat(),
  0x5_5555_5555_5555,
  0xa_aaaa_aaaa_aaaa,
  2 ** 52 - 1,
];

const halves = (page: number): [number, number] => [
  Number(BigInt.asIntN(32, BigInt(page))),
  Number(BigInt(page) >> 32n),
];

it.each(SHIFTS)('an entry of a level that spans 2^%d pages is found by the bits above', (shift) => {
  const level = { spanShift: shift, indexBits: INDEX_BITS } as Level;
  for (const page of PAGES) {
    const index = Number((BigInt(page) >> BigInt(shift)) & BigInt(2 ** INDEX_BITS - 1));
    expect(entryAt(level, TABLE, ...halves(page))).toBe(TABLE + 2 * index);
  }
});

it.each(SHIFTS)('a tree whose top spans 2^%d pages an entry reaches that often', (shift) => {
  const level = { spanShift: shift, indexBits: INDEX_BITS } as Level;
  const format = { levels: [level] } as unknown as EntryFormat;
  for (const page of PAGES) {
    expect(reaches(format, 1, ...halves(page))).toBe(page < 2 ** (shift + INDEX_BITS));
  }
});

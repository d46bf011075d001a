/**
 * Formats for scenarios of page tables: three levels, two entries to a table, so that a tree of
 * four tables is a whole one. One decides by the low word, as s390, and one by the high, as radix.
 */
import type { KindId } from '../../base/units.js';
import type { Kind } from '../../mem/heap.js';
import type { Format, Level, Prot } from '../../pgtable/format.js';
import type { Geometry } from '../../pgtable/geometry.js';

const PAGE_SHIFT = 12;
const INDEX_BITS = 1;

/** Valid, and whether it maps a frame rather than names a table; in the word that decides. */
const VALID = 1;
const LEAF = 2;
const FLAGS = VALID | LEAF;
const PROT_SHIFT = 3;
const ADDRESS = -4096;
const POINTER = -16;

/** Fragments of 4 words, two entries, 4 to a page of 16 words. */
function kind(name: string): Kind {
  const [fragmentWords, perPage] = [4, 4];
  const empty = { emptyEven: 0, emptyOdd: 0, residueEven: 0, residueOdd: 0 };
  return { name, fragmentWords, perPage, order: 0, entryWords: fragmentWords, ...empty };
}

const NAMES = ['pte', 'pmd', 'pgd'];

export const TREE_KINDS: readonly Kind[] = NAMES.map(kind);

const GEOMETRY: Geometry = {
  name: 'model',
  pageBytes: 64,
  kinds: NAMES.map((name) => ({ name, bytes: 16, perPage: 4 })),
};

function levelOf(number: number, decides: 0 | 1): Level {
  return {
    name: NAMES[number] as string,
    kind: number as KindId,
    shift: PAGE_SHIFT + number * INDEX_BITS,
    indexBits: INDEX_BITS,
    emptyLow: 0,
    emptyHigh: 0,
    residueLow: 0,
    decides,
    tableMask: FLAGS,
    tableValue: VALID,
    pointerMask: POINTER,
    tableLow: decides === 0 ? VALID : 0,
    tableHigh: decides === 0 ? 0 : VALID,
    leafMask: FLAGS,
    leafValue: FLAGS,
    frameMask: ADDRESS,
  };
}

function formatOf(decides: 0 | 1): Format {
  const flags = decides === 0 ? FLAGS : 0;
  return {
    name: 'model',
    geometry: GEOMETRY,
    pageShift: PAGE_SHIFT,
    levels: NAMES.map((_, number) => levelOf(number, decides)),
    depths: [NAMES.length],
    leafLow: (_level: number, address: number, prot: Prot) =>
      (address & ADDRESS) | (prot << PROT_SHIFT) | flags,
    leafHigh: () => (decides === 0 ? 0 : FLAGS),
    protOf: (_level: number, low: number) => (low & ~ADDRESS) >>> PROT_SHIFT,
    rootEntry: (address: number) => BigInt(address),
  };
}

/** The low word decides, and holds all. */
export const LOW_DECIDES: Format = formatOf(0);

/** The high word decides, and says no more than that. */
export const HIGH_DECIDES: Format = formatOf(1);

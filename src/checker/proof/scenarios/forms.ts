/**
 * The formats of scenarios of page tables.
 *
 * The model has three levels, two entries to a table, so that a tree of four tables is a whole one.
 * A page's high word has a copy of its rights, as x86-64 has NX there; those of a table and of a
 * large frame agree. What depends on how an architecture's high words differ is asked of the
 * entries that ship, in a tree that is as small (`smallForm`).
 */
import type { KindId } from '../../../core/base/units.js';
import type { Kind } from '../../../core/mem/heap.js';
import type { EntryFormat, Level } from '../../../core/pgtable/format.js';
import { type Geometry, kindsOf } from '../../../core/pgtable/geometry.js';

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

function levelOf(number: number): Level {
  return {
    name: NAMES[number] as string,
    kind: number as KindId,
    shift: PAGE_SHIFT + number * INDEX_BITS,
    spanShift: number * INDEX_BITS,
    indexBits: INDEX_BITS,
    alignBytes: 16,
    emptyLow: 0,
    emptyHigh: 0,
    residueLow: 0,
    tableMask: FLAGS,
    tableValue: number === 0 ? -1 : VALID,
    pointerMask: POINTER,
    tableLow: VALID,
    tableHigh: 0,
    leafAll: FLAGS,
    leafAny: LEAF,
    frameMask: ADDRESS,
    addressShift: 0,
  };
}

export const MODEL_FORMAT: EntryFormat = {
  name: 'model',
  geometry: GEOMETRY,
  pageShift: PAGE_SHIFT,
  addressBits: PAGE_SHIFT + NAMES.length * INDEX_BITS,
  bigEndian: false,
  levels: NAMES.map((_, number) => levelOf(number)),
  depths: [NAMES.length],
  leafLow: (_level, address, prot) => (address & ADDRESS) | (prot << PROT_SHIFT) | FLAGS,
  leafHigh: (level, _address, prot) => (level === 0 ? prot : 0),
  protOf: (_level, low) => (low & ~ADDRESS) >>> PROT_SHIFT,
  rootEntry: (address) => BigInt(address),
};

/** The same, of which a space has two levels until it maps a page of the upper half. */
export const GROWING_FORMAT: EntryFormat = {
  ...MODEL_FORMAT,
  depths: [NAMES.length - 1, NAMES.length],
};

/** A format, and the kinds of its tables in a scenario's heap. */
export interface Form {
  readonly format: EntryFormat;
  readonly kinds: readonly Kind[];
}

/** 4 KiB: an entry that names a table has its marks in the bits below. */
const SMALL_TABLE_WORDS = 1024;
const SMALL_INDEX_BITS = 2;

/** Two: page tables and what is above, where a large frame is mapped. */
const SMALL_LEVELS = 2;

/**
 * The two lowest levels of a shipped format, bit by bit as they ship, with four entries to a table:
 * two would not leave s390's mark of a dirty large frame below the frame's address.
 */
export function smallForm(shipped: EntryFormat): Form {
  const levels = shipped.levels.slice(0, SMALL_LEVELS).map((level, number): Level => {
    const spanShift = number * SMALL_INDEX_BITS;
    const shift = PAGE_SHIFT + spanShift;
    const frameMask = ((-1 << shift) >>> level.addressShift) | 0;
    return { ...level, shift, spanShift, indexBits: SMALL_INDEX_BITS, frameMask };
  });
  const sizes = { fragmentWords: SMALL_TABLE_WORDS, perPage: 2, order: 0 };
  const kinds = kindsOf(shipped.geometry).slice(0, SMALL_LEVELS);
  return {
    format: {
      ...shipped,
      pageShift: PAGE_SHIFT,
      addressBits: PAGE_SHIFT + SMALL_LEVELS * SMALL_INDEX_BITS,
      levels,
      depths: [SMALL_LEVELS],
    },
    kinds: kinds.map((each) => ({ ...each, ...sizes, entryWords: SMALL_TABLE_WORDS })),
  };
}

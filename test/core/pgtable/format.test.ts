/** Formats of page-table entries: golden values of each architecture, then what all must keep. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EntryFormat,
  frameAddress,
  isLeaf,
  isTable,
  type Level,
  PROT,
  tableAddress,
  tableEntry,
  withRead,
} from '#src/core/pgtable/format.js';
import { ENTRY_FORMATS, formatNamed } from '#src/core/pgtable/formats/index.js';
import { GEOMETRIES, geometryNamed, kindsOf } from '#src/core/pgtable/geometry.js';

const { read: R, write: W, exec: X, young: Y, dirty: D } = PROT;

const ALL_PROTS: readonly number[] = Array.from({ length: 32 }, (_, prot) => prot);

/** An entry as its 64 bits are written down. */
function hex(high: number, low: number): string {
  const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  return digits(high) + digits(low);
}

function leafHex(format: EntryFormat, level: number, address: number, prot: number): string {
  return hex(format.leafHigh(level, address, prot), format.leafLow(level, address, prot));
}

function tableHex(level: Level, address: number): string {
  return hex(level.tableHigh, tableEntry(level, address));
}

const emptyHex = (level: Level): string => hex(level.emptyHigh, level.emptyLow);

type Leaf = readonly [level: number, address: number, prot: number, entry: string];

/** Golden values, each with what is said about it. */
const LEAVES: Readonly<Record<string, readonly Leaf[]>> = {
  // Linux's PAGE_NONE, PAGE_RO, PAGE_RX, PAGE_RW, PAGE_RWX and PAGE_SHARED (pgtable.h, 6.1).
  s390: [
    [0, 0, 0, '0000000000000601'],
    [0, 0, R, '0000000000000711'],
    [0, 0, R | X, '0000000000000611'],
    [0, 0, R | W, '0000000000000731'],
    [0, 0, R | W | X, '0000000000000631'],
    [0, 0, R | W | Y | D, '000000000000013d'],
    [0, 0xfedc_b000, R | W | Y | D, '00000000fedcb13d'],
    // Bits of segment entries from the same file; the rule of young and dirty is that of pages.
    [1, 0x1230_0000, 0, '0000000012300620'],
    [1, 0x1230_0000, R, '0000000012300721'],
    [1, 0x1230_0000, R | X | Y, '0000000012301601'],
    [1, 0x1230_0000, R | W | Y, '0000000012301703'],
    [1, 0x1230_0000, R | W | D, '0000000012302523'],
    [1, 0xfff0_0000, R | W | X | Y | D, '00000000fff03403'],
  ],
  // PRESENT, leaf, RPN, R 0x100, C 0x80, PRIVILEGED 8, READ 4, WRITE 2, EXEC 1 (Power ISA 3.0B).
  'powerpc-radix-64k': [
    [0, 0, R, 'c000000000000004'],
    [0, 0x1234_0000, 0, 'c000000012340008'],
    [0, 0x1234_0000, R | X | Y, 'c000000012340105'],
    [0, 0xffff_0000, R | W | Y | D, 'c0000000ffff0186'],
    [1, 0x1220_0000, R | W | Y | D, 'c000000012200186'],
    [1, 0x1220_0000, R | X | Y | D, 'c000000012200185'],
    // C and software's 0x800: the low byte of a table's entry is 5 as well.
    [1, 0x1220_0000, R | X, 'c000000012200885'],
    [1, 0x1220_0000, R | X | Y, 'c000000012200985'],
  ],
  'powerpc-radix-4k': [
    [0, 0x1234_5000, R | W | X | Y | D, 'c000000012345187'],
    [0, 0x1234_5000, Y, 'c000000012345108'],
    [1, 0x1220_0000, R | X | Y, 'c000000012200105'],
  ],
  'powerpc-hash-64k': [
    [0, 0x1234_0000, R | W | Y | D, 'c000000012340186'],
    [0, 0x1234_0000, R | X | Y, 'c000000012340105'],
    [1, 0x1200_0000, R | X, 'c000000012000005'],
  ],
  // P 1, RW 2, US 4, A 0x20, D 0x40, PS 0x80, NX 63 (Intel SDM 3A, 4.5), 0x200 with NX.
  generic: [
    [0, 0x1234_5000, 0, '8000000012345201'],
    [0, 0x1234_5000, R, '8000000012345205'],
    [0, 0x1234_5000, R | X | Y, '0000000012345025'],
    [0, 0xffff_f000, R | W | Y | D, '80000000fffff267'],
    [0, 0x1234_5000, R | W | X | Y | D, '0000000012345067'],
    [1, 0x1220_0000, R | W | Y | D, '80000000122002e7'],
    [1, 0x1220_0000, R | X | Y, '00000000122000a5'],
  ],
  // V 1, R 2, W 4, X 8, U 0x10, A 0x40, D 0x80, PPN from 10 (RISC-V privileged ISA, Sv39).
  'riscv-sv39': [
    [0, 0x8020_0000, 0, '0000000020080003'],
    [0, 0x8020_0000, R, '0000000020080013'],
    [0, 0x8020_0000, R | X | Y, '000000002008005b'],
    [0, 0x8020_0000, R | W | Y | D, '00000000200800d7'],
    [0, 0xffff_f000, R | W | X | Y | D, '000000003ffffcdf'],
    [1, 0x8020_0000, R | W | Y | D, '00000000200800d7'],
  ],
};

/** By level: an empty entry, the address of a table of the level below, the entry that names it. */
type Tables = readonly (readonly [empty: string, address: number, entry: string])[];

const ZERO = '0000000000000000';

const TABLES: Readonly<Record<string, Tables>> = {
  s390: [
    ['0000000000000400', 0, ''],
    ['0000000000000020', 0x8765_4800, '0000000087654800'],
    ['0000000000000024', 0x8765_4000, '0000000087654007'],
    ['0000000000000028', 0x8765_4000, '000000008765400b'],
    ['000000000000002c', 0x8765_4000, '000000008765400f'],
  ],
  // PRESENT, address, and the index bits of the next table: 5 or 9.
  'powerpc-radix-64k': [
    [ZERO, 0, ''],
    [ZERO, 0x8765_ff00, '800000008765ff05'],
    [ZERO, 0x8765_f000, '800000008765f009'],
    [ZERO, 0x8765_f000, '800000008765f009'],
  ],
  'powerpc-radix-4k': [
    [ZERO, 0, ''],
    [ZERO, 0x8765_4000, '8000000087654009'],
    [ZERO, 0x8765_4000, '8000000087654009'],
    [ZERO, 0x8765_4000, '8000000087654009'],
  ],
  'powerpc-hash-64k': [
    [ZERO, 0, ''],
    [ZERO, 0x8765_f000, '800000008765f000'],
    [ZERO, 0x8765_c000, '800000008765c000'],
    [ZERO, 0x8765_e000, '800000008765e000'],
  ],
  // Present, all rights, accessed and dirty.
  generic: [
    [ZERO, 0, ''],
    [ZERO, 0x8765_4000, '0000000087654067'],
    [ZERO, 0x8765_4000, '0000000087654067'],
    [ZERO, 0x8765_4000, '0000000087654067'],
  ],
  'riscv-sv39': [
    [ZERO, 0, ''],
    [ZERO, 0x8765_4000, '0000000021d95001'],
    [ZERO, 0x8765_4000, '0000000021d95001'],
  ],
};

const ROOTS: readonly (readonly [format: string, depth: number, address: number, root: string])[] =
  [
    // Table length 3, the type of the top table, private space, both events.
    ['s390', 3, 0xfedc_8000, '00000000fedc81c7'],
    ['s390', 4, 0xfedc_8000, '00000000fedc81cb'],
    ['s390', 5, 0xfedc_8000, '00000000fedc81cf'],
    // RTS 21 = 0b10'101 in bits 62-61 and 7-5, root size 13.
    ['powerpc-radix-64k', 4, 0xfedc_0000, '40000000fedc00ad'],
    ['powerpc-radix-4k', 4, 0xfedc_0000, '40000000fedc00ad'],
    ['powerpc-hash-64k', 4, 0xfedc_1000, '00000000fedc1000'],
    ['generic', 4, 0xfedc_b000, '00000000fedcb000'],
    // Mode 8, page number.
    ['riscv-sv39', 3, 0x8020_0000, '8000000000080200'],
  ];

const everyFormat = Object.values(ENTRY_FORMATS).map((format) => [format.name, format] as const);

describe.each(everyFormat)('entries of %s', (name, format) => {
  it.each(LEAVES[name]!)('level %i maps %i with %i as %s', (level, address, prot, entry) => {
    expect(leafHex(format, level, address, prot)).toBe(entry);
  });

  it('name tables, and are empty, as the architecture has it', () => {
    const rows = format.levels.map((level, number) => {
      const address = TABLES[name]?.[number]?.[1] ?? 0;
      return [emptyHex(level), address, number === 0 ? '' : tableHex(level, address)];
    });
    expect(rows).toEqual(TABLES[name]);
  });

  it('have roots of every depth', () => {
    const depths = ROOTS.filter(([of]) => of === name).map(([, depth]) => depth);
    expect(format.depths).toEqual(depths);
    for (const depth of depths) expect(depth).toBeLessThanOrEqual(format.levels.length);
  });

  it('are found by name', () => {
    expect(formatNamed(name)).toBe(format);
    expect(format.geometry).toBe(geometryNamed(name));
  });
});

it.each(ROOTS)('the root of %s with %i levels at %i is %s', (name, depth, address, root) => {
  const entry = formatNamed(name).rootEntry(address, depth);
  expect(entry.toString(16).padStart(16, '0')).toBe(root);
});

describe('s390 has the CPU trap for what it does not note', () => {
  /** Rows of the low 12 bits by rights: clean old, clean young, dirty old, dirty young. */
  const PAGES: readonly (readonly [prot: number, ...low: number[]])[] = [
    [0, 0x601, 0x605, 0x609, 0x60d],
    [R, 0x711, 0x315, 0x719, 0x31d],
    [R | X, 0x611, 0x215, 0x619, 0x21d],
    [R | W, 0x731, 0x335, 0x539, 0x13d],
    [R | W | X, 0x631, 0x235, 0x439, 0x03d],
  ];
  const { leafLow, protOf } = formatNamed('s390');

  it.each(PAGES)('rights %i', (prot, ...rows) => {
    const done = [0, Y, D, Y | D];
    expect(done.map((bits) => leafLow(0, 0, prot | bits))).toEqual(rows);
    expect(rows.map((low) => protOf(0, low))).toEqual(done.map((bits) => prot | bits));
  });

  it.each([0, 1])(
    'level %i is INVALID if old or unreadable, PROTECTed if clean or read-only',
    (n) => {
      const invalid = n === 0 ? 0x400 : 0x20;
      for (const prot of ALL_PROTS) {
        const has = (bits: number): boolean => (withRead(prot) & bits) === bits;
        const low = leafLow(n, 0, prot);
        expect((low & invalid) === 0, `valid, ${prot}`).toBe(has(R | Y));
        expect((low & 0x200) === 0, `writable, ${prot}`).toBe(has(W | D));
      }
    },
  );
});

/** Every level of every format, with its number. */
const LEVELS = everyFormat.flatMap(([name, format]) =>
  format.levels.map((level, number) => [name, number, format, level] as const),
);
const MAPPING = LEVELS.filter(([, , , level]) => level.leafAny !== 0);
const UPPER = LEVELS.filter(([, number]) => number > 0);

const anyProt = fc.integer({ min: 0, max: 31 });

/** Addresses below 4 GiB, aligned to 2^shift. */
function addresses(shift: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: 2 ** (32 - shift) - 1 }).map((n) => n * 2 ** shift);
}

/** Every set of bits of `mask`. */
function subsets(mask: number): number[] {
  const found = [];
  for (let bits = mask; bits !== 0; bits = (bits - 1) & mask) found.push(bits);
  return [...found, 0];
}

describe.each(MAPPING)('%s level %i', (_name, number, { leafLow, leafHigh, protOf }, level) => {
  it('gives back the frame and the rights that an entry was made of', () => {
    const property = (address: number, prot: number): void => {
      const low = leafLow(number, address, prot);
      expect(low).toBe(low | 0);
      expect(isLeaf(level, low)).toBe(true);
      expect(isTable(level, low)).toBe(false);
      expect(frameAddress(level, low)).toBe(address);
      expect(protOf(number, low)).toBe(withRead(prot));
    };
    fc.assert(fc.property(addresses(level.shift), anyProt, property));
    for (const prot of ALL_PROTS) property(0, prot);
  });

  it('has a high word that follows from the low one', () => {
    const highs = new Map<number, number>();
    for (const prot of ALL_PROTS) {
      const low = leafLow(number, 0, prot);
      const high = leafHigh(number, 0, prot);
      expect(highs.get(low) ?? high, `of ${low.toString(16)}`).toBe(high);
      highs.set(low, high);
      for (const residue of subsets(level.residueLow)) {
        expect(low, 'is not empty').not.toBe(level.emptyLow | residue);
      }
    }
    // 32 sets of rights, of which 3 in 8 gain read, each with an entry of its own.
    expect(highs.size).toBe(20);
  });
});

describe.each(UPPER)('%s level %i', (name, number, format, level) => {
  it('can name every fragment of a page', () => {
    const below = geometryNamed(name).kinds[number - 1]!;
    const pages = addresses(Math.log2(format.geometry.pageBytes)).filter((page) => page > 0);
    const property = (page: number, fragment: number): void => {
      const address = page + fragment * below.bytes;
      const low = tableEntry(level, address);
      expect(low).toBe(low | 0);
      expect(isTable(level, low)).toBe(true);
      expect(isLeaf(level, low)).toBe(false);
      expect(tableAddress(level, low)).toBe(address);
    };
    fc.assert(fc.property(pages, fc.nat(below.perPage - 1), property));
    for (let i = 0; i < below.perPage; i++) property(format.geometry.pageBytes, i);
  });
});

describe.each(LEVELS)('%s level %i', (name, number, format, level) => {
  it('takes an empty entry, and what lingers in one, for neither table nor frame', () => {
    for (const residue of subsets(level.residueLow)) {
      const low = level.emptyLow | residue;
      expect([isTable(level, low), isLeaf(level, low)], `${low}`).toEqual([false, false]);
    }
  });

  it('takes no word for both, names no table from level 0, maps no frame from the third up', () => {
    const words = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const property = (low: number): void => {
      const [table, leaf] = [isTable(level, low), isLeaf(level, low)];
      expect(table && leaf).toBe(false);
      if (number === 0) expect(table).toBe(false);
      if (number > 1) expect(leaf).toBe(false);
    };
    fc.assert(fc.property(words, property), { numRuns: 1000 });
  });

  it('has the size and the empty value of its geometry', () => {
    const kind = kindsOf(geometryNamed(name))[number]!;
    expect(level.kind).toBe(number);
    expect(level.name).toBe(kind.name);
    expect(2 ** level.indexBits).toBe(kind.entryWords / 2);
    const below = format.levels[number - 1];
    const shift = below === undefined ? format.pageShift : below.shift + below.indexBits;
    expect(level.shift).toBe(shift);
    expect([level.emptyLow, level.emptyHigh].sort()).toEqual(
      [kind.emptyEven, kind.emptyOdd].sort(),
    );
    expect(level.residueLow).toBe(kind.residueEven | kind.residueOdd);
  });
});

describe('the formats', () => {
  it('span the address spaces of their architectures', () => {
    const bits = everyFormat.map(([name, { levels, depths }]) => {
      const tops = depths.map((depth) => levels[depth - 1]!);
      return [name, tops.map(({ shift, indexBits }) => shift + indexBits)];
    });
    expect(Object.fromEntries(bits)).toEqual({
      s390: [42, 53, 64],
      'powerpc-hash-64k': [52],
      'powerpc-radix-64k': [52],
      'powerpc-radix-4k': [52],
      generic: [48],
      'riscv-sv39': [39],
    });
  });

  it('map pages, and large pages one level up', () => {
    const shifts = (number: number): Record<string, number> =>
      Object.fromEntries(
        MAPPING.filter(([, of]) => of === number).map(([name, , , level]) => [name, level.shift]),
      );
    expect(shifts(0)).toEqual(
      Object.fromEntries(
        everyFormat.map(([name, { geometry }]) => [name, Math.log2(geometry.pageBytes)]),
      ),
    );
    expect(shifts(1)).toEqual({
      s390: 20,
      'powerpc-hash-64k': 24,
      'powerpc-radix-64k': 21,
      'powerpc-radix-4k': 21,
      generic: 21,
      'riscv-sv39': 21,
    });
  });

  it('are there for all geometries but 8xx, and what is refused is told the names', () => {
    const without = Object.keys(GEOMETRIES).filter((name) => !Object.hasOwn(ENTRY_FORMATS, name));
    expect(without).toEqual(['powerpc-8xx-16k']);
    for (const name of [...without, 'x', 'toString']) {
      expect(() => formatNamed(name)).toThrow(
        expect.objectContaining({ name: 'UsageError', code: 'no-such-format' }),
      );
    }
    expect(() => formatNamed('x')).toThrow(/^no format for x; there are: s390, .*riscv-sv39$/);
    expect(() => formatNamed('powerpc-8xx-16k')).toThrow(/8xx-16k: its entries are four words/);
  });
});

describe('entries that are not ours', () => {
  const level = (name: string, number: number): Level => formatNamed(name).levels[number]!;

  it.each([
    ['s390', 1, 0x1000_0020, 'INVALID'],
    ['s390', 1, 0x1000_0004, 'of the wrong type'],
    ['s390', 2, 0x1000_0027, 'INVALID'],
    ['s390', 2, 0x1000_000b, 'of another region'],
    ['s390', 2, 0x1000_0006, 'too short'],
    ['powerpc-radix-64k', 1, 0x1000_0060, 'with reserved bits'],
    ['powerpc-radix-4k', 2, 0x1000_0005, 'of another size'],
    ['generic', 1, 0x1000_0066, 'not present'],
    ['generic', 3, 0x1000_00e7, 'with PS where it is reserved'],
    ['riscv-sv39', 0, 0x1000_0001, 'naming a table below the lowest'],
    ['riscv-sv39', 1, 0x1000_0005, 'writable only, which is reserved'],
    ['riscv-sv39', 1, 0x1000_000e, 'not valid'],
    ['riscv-sv39', 2, 0x1000_0041, 'naming a table, with A'],
  ])('%s level %i: %i, %s', (name, number, low) => {
    expect(isTable(level(name, number), low)).toBe(false);
    expect(isLeaf(level(name, number), low)).toBe(false);
  });

  it('maps a frame that may only be executed, on RISC-V', () => {
    expect(isLeaf(level('riscv-sv39', 0), 0x59)).toBe(true);
    expect(formatNamed('riscv-sv39').protOf(0, 0x59)).toBe(X | Y);
  });
});

/**
 * The geometries: what an architecture's page tables look like to the core, as data.
 *
 * Sizes are those of Linux 6.1 (arch/s390/include/asm/pgtable.h; arch/powerpc/include/asm,
 * book3s/64 and nohash/32/mmu-8xx.h). A table that fills its page or pages is a kind with one
 * fragment, so all page tables go through the core, the upper levels too. Kind 0 is the PTE table,
 * kind 1 the PMD's (s390: segment), and so on up.
 *
 * `empty` is what each 64-bit entry of an empty table holds; `residue` are the bits of it that may
 * linger (powerpc radix: the CPU can write back R and C into a cleared entry); `slotBytes` is what
 * follows the entries in a fragment and is not looked at (powerpc hash: hash slots, deposits).
 */
import { UsageError } from '../base/errors.js';
import { shown } from '../base/shown.js';
import { LITTLE_ENDIAN } from '../mem/endian.js';
import type { Kind } from '../mem/heap.js';

/** One kind of blocks: how large they are, and how many of them a page has. */
export interface TableKind {
  readonly name: string;
  readonly bytes: number;
  readonly perPage: number;
  /** The table takes 2^order pages; 0 where several share one. */
  readonly order?: number | undefined;
  /** Low and high word of an entry of an empty table. */
  readonly emptyLow?: number | undefined;
  readonly emptyHigh?: number | undefined;
  /** Bits of the low word that may be set in an empty table's entry. */
  readonly residueLow?: number | undefined;
  /**
   * How many bytes at the end of a table hold no entries and may be left full when it is freed: on
   * powerpc hash the slots of each entry. For blocks of data give all bytes. Such a table is
   * cleared when it is handed out. Default: 0.
   */
  readonly slotBytes?: number | undefined;
}

/** The size of a page, and the kinds of blocks (page tables) that pages are cut into. */
export interface Geometry {
  readonly name: string;
  readonly pageBytes: number;
  readonly kinds: readonly TableKind[];
}

const KIB = 1024;

/** R (reference) and C (change) of a radix entry. */
const RADIX_RC = 0x180;

const S390: Geometry = {
  name: 's390',
  pageBytes: 4 * KIB,
  kinds: [
    { name: 'pte', bytes: 2 * KIB, perPage: 2, emptyLow: 0x400 },
    { name: 'segment', bytes: 16 * KIB, perPage: 1, order: 2, emptyLow: 0x20 },
    { name: 'region3', bytes: 16 * KIB, perPage: 1, order: 2, emptyLow: 0x24 },
    { name: 'region2', bytes: 16 * KIB, perPage: 1, order: 2, emptyLow: 0x28 },
    { name: 'region1', bytes: 16 * KIB, perPage: 1, order: 2, emptyLow: 0x2c },
  ],
};

const POWERPC_HASH_64K: Geometry = {
  name: 'powerpc-hash-64k',
  pageBytes: 64 * KIB,
  kinds: [
    { name: 'pte', bytes: 4 * KIB, perPage: 16, slotBytes: 2 * KIB },
    { name: 'pmd', bytes: 16 * KIB, perPage: 4, slotBytes: 8 * KIB },
    { name: 'pud', bytes: 8 * KIB, perPage: 8 },
    { name: 'pgd', bytes: 4 * KIB, perPage: 16, slotBytes: 2 * KIB },
  ],
};

const POWERPC_RADIX_64K: Geometry = {
  name: 'powerpc-radix-64k',
  pageBytes: 64 * KIB,
  kinds: [
    { name: 'pte', bytes: 256, perPage: 256, residueLow: RADIX_RC },
    { name: 'pmd', bytes: 4 * KIB, perPage: 16 },
    { name: 'pud', bytes: 4 * KIB, perPage: 16 },
    { name: 'pgd', bytes: 64 * KIB, perPage: 1 },
  ],
};

const POWERPC_RADIX_4K: Geometry = {
  name: 'powerpc-radix-4k',
  pageBytes: 4 * KIB,
  kinds: [
    { name: 'pte', bytes: 4 * KIB, perPage: 1, residueLow: RADIX_RC },
    { name: 'pmd', bytes: 4 * KIB, perPage: 1 },
    { name: 'pud', bytes: 4 * KIB, perPage: 1 },
    { name: 'pgd', bytes: 64 * KIB, perPage: 1, order: 4 },
  ],
};

const POWERPC_8XX_16K: Geometry = {
  name: 'powerpc-8xx-16k',
  pageBytes: 16 * KIB,
  kinds: [{ name: 'pte', bytes: 4 * KIB, perPage: 4 }],
};

const GENERIC: Geometry = {
  name: 'generic',
  pageBytes: 4 * KIB,
  kinds: ['pte', 'pmd', 'pud', 'pgd'].map((name) => ({ name, bytes: 4 * KIB, perPage: 1 })),
};

const RISCV_SV39: Geometry = {
  name: 'riscv-sv39',
  pageBytes: 4 * KIB,
  kinds: ['pte', 'pmd', 'pgd'].map((name) => ({ name, bytes: 4 * KIB, perPage: 1 })),
};

const BUILT_IN: readonly Geometry[] = [
  S390,
  POWERPC_HASH_64K,
  POWERPC_RADIX_64K,
  POWERPC_RADIX_4K,
  POWERPC_8XX_16K,
  GENERIC,
  RISCV_SV39,
];

/** All built-in geometries, by name. */
export const GEOMETRIES: Readonly<Record<string, Geometry>> = Object.freeze(
  Object.fromEntries(BUILT_IN.map((geometry) => [geometry.name, Object.freeze(geometry)])),
);

/** A built-in geometry. Throws `UsageError` that lists them for any other name. */
export function geometryNamed(name: string): Geometry {
  const geometry =
    typeof name === 'string' && Object.hasOwn(GEOMETRIES, name) ? GEOMETRIES[name] : undefined;
  if (geometry !== undefined) return geometry;
  const known = Object.keys(GEOMETRIES).join(', ');
  throw new UsageError('no-such-geometry', `no geometry ${shown(name)}; there are: ${known}`);
}

/** The kinds of a geometry as the core takes them: in words, in this machine's byte order. */
export function kindsOf(geometry: Geometry): Kind[] {
  return geometry.kinds.map((kind) => {
    const { emptyLow = 0, emptyHigh = 0, residueLow = 0, slotBytes = 0 } = kind;
    return {
      name: kind.name,
      fragmentWords: kind.bytes / 4,
      perPage: kind.perPage,
      order: kind.order ?? 0,
      emptyEven: LITTLE_ENDIAN ? emptyLow : emptyHigh,
      emptyOdd: LITTLE_ENDIAN ? emptyHigh : emptyLow,
      entryWords: (kind.bytes - slotBytes) / 4,
      residueEven: LITTLE_ENDIAN ? residueLow : 0,
      residueOdd: LITTLE_ENDIAN ? 0 : residueLow,
    };
  });
}

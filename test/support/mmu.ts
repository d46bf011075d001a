/**
 * Naive MMUs, one for each architecture, over the bytes of an image: written from the rules of the
 * architectures alone, bit by bit, to say what a processor makes of what ptfrag wrote. They share
 * nothing with src/core/pgtable; each rule below names where it stands.
 *
 * A table that is not aligned as its architecture asks makes them throw: the processor would take
 * another address, or other bits of the entry, for what was meant.
 */

/** What a processor is given. */
export interface Machine {
  readonly root: bigint;
  readonly bytes: Uint8Array;
  /** Physical address of the first byte. */
  readonly base: number;
}

/** Where an access goes and what it may do; null is a fault. */
export interface Translation {
  readonly physical: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

type Mmu = (machine: Machine, va: bigint) => Translation | null;

/** Bits `from` to `to` of a doubleword, counted from the least significant, both included. */
function bits(value: bigint, to: number, from: number): bigint {
  return (value >> BigInt(from)) & ((1n << BigInt(to - from + 1)) - 1n);
}

function bit(value: bigint, at: number): boolean {
  return bits(value, at, at) === 1n;
}

/** A doubleword of physical memory. Whoever reads outside of the image was sent astray. */
function fetch({ bytes, base }: Machine, address: bigint, littleEndian: boolean): bigint {
  const offset = Number(address) - base;
  if (offset < 0 || offset + 8 > bytes.length) throw new Error(`no memory at ${address}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getBigUint64(offset, littleEndian);
}

/** Intel SDM, volume 3A, 4.5: 4-level paging. User accesses, EFER.NXE = 1. */
const x86: Mmu = (machine, va) => {
  // Canonical: what is above bit 47 is like it.
  if (bits(va, 63, 48) !== (bit(va, 47) ? 0xffffn : 0n)) return null;
  // CR3 has flags at 3 and 4, and 0 in the other bits below the page that is the top table.
  if ((bits(machine.root, 11, 0) & ~0x18n) !== 0n) throw new Error('CR3 is not aligned');
  let table = bits(machine.root, 51, 12) << 12n;
  let [write, user, execute] = [true, true, true];
  for (const low of [39, 30, 21, 12]) {
    const entry = fetch(machine, table + 8n * bits(va, low + 8, low), true);
    if (!bit(entry, 0)) return null;
    write &&= bit(entry, 1);
    user &&= bit(entry, 2);
    execute &&= !bit(entry, 63);
    const isLarge = low > 12 && bit(entry, 7);
    if (low === 39 && isLarge) throw new Error('PS is reserved in a PML4 entry');
    table = bits(entry, 51, 12) << 12n;
    if (low !== 12 && !isLarge) continue;
    if (bits(entry, low - 1, 12) !== 0n && low > 12) throw new Error('a large page is not aligned');
    const physical = table + bits(va, low - 1, 0);
    return user ? { physical, read: true, write, execute } : noAccess(physical);
  }
  return null;
};

function noAccess(physical: bigint): Translation {
  return { physical, read: false, write: false, execute: false };
}

/** RISC-V privileged architecture, 12.3 and 12.4: Sv39. User accesses, A and D by hardware. */
const sv39: Mmu = (machine, va) => {
  if (bits(machine.root, 63, 60) !== 8n) throw new Error('satp is not in mode Sv39');
  if (bits(va, 63, 39) !== (bit(va, 38) ? 2n ** 25n - 1n : 0n)) return null;
  let table = bits(machine.root, 43, 0) << 12n;
  for (const low of [30, 21, 12]) {
    const entry = fetch(machine, table + 8n * bits(va, low + 8, low), true);
    const [valid, read, write, execute, user] = [0, 1, 2, 3, 4].map((at) => bit(entry, at));
    if (!valid || (!read && write)) return null;
    if (bits(entry, 63, 54) !== 0n) throw new Error('reserved bits are set');
    table = bits(entry, 53, 10) << 12n;
    if (!read && !execute) {
      if (bits(entry, 7, 4) !== 0n) throw new Error('U, G, A or D in an entry that is no leaf');
      continue;
    }
    if (low > 12 && bits(table, low - 1, 12) !== 0n) return null;
    const physical = table + bits(va, low - 1, 0);
    return user
      ? { physical, read: read === true, write: write === true, execute: execute === true }
      : noAccess(physical);
  }
  return null;
};

/** A processor of IBM's counts bits from the most significant: bit 0 is 2^63. */
function ibm(value: bigint, from: number, to: number = from): bigint {
  return bits(value, 63 - from, 63 - to);
}

/** z/Architecture Principles of Operation, chapter 3, dynamic address translation, EDAT-1. */
const s390: Mmu = (machine, va) => {
  let designation = machine.root;
  if (ibm(designation, 52, 53) !== 0n) throw new Error('the ASCE is not aligned');
  // The table type of the ASCE, bits 60 and 61, says which index comes first.
  const indexes = [
    [33, 43],
    [22, 32],
    [11, 21],
    [0, 10],
  ] as const;
  let type = Number(ibm(designation, 60, 61));
  // What is left of the address above the first index must be 0: an ASCE-type exception.
  const [first] = indexes[type] as readonly [number, number];
  if (first > 0 && ibm(va, 0, first - 1) !== 0n) return null;
  let offset = 0n;
  for (; ; type--) {
    const index = ibm(va, ...(indexes[type] as readonly [number, number]));
    // Length and offset count quarters of a table.
    if (index >> 9n > ibm(designation, 62, 63) || index >> 9n < offset) return null;
    const entry = fetch(machine, (ibm(designation, 0, 51) << 12n) + 8n * index, false);
    if (ibm(entry, 58) === 1n) return null;
    if (Number(ibm(entry, 60, 61)) !== type) throw new Error('translation specification: type');
    if (type === 0) return s390Segment(machine, entry, va);
    // Of segment and region tables the origin ends at bit 51: behind it bit 52 is unassigned.
    if (ibm(entry, 52) !== 0n) throw new Error('an entry of a region table is not aligned');
    offset = ibm(entry, 56, 57);
    designation = entry;
  }
};

function s390Segment(machine: Machine, segment: bigint, va: bigint): Translation | null {
  const large = ibm(segment, 53) === 1n;
  const page = large
    ? segment
    : fetch(machine, (ibm(segment, 0, 52) << 11n) + 8n * ibm(va, 44, 51), false);
  if (!large) {
    if (ibm(page, 53) === 1n) return null;
    if (ibm(page, 52) === 1n) throw new Error('translation specification: bit 52 of a page');
  }
  const physical = large
    ? (ibm(page, 0, 43) << 20n) + ibm(va, 44, 63)
    : (ibm(page, 0, 51) << 12n) + ibm(va, 52, 63);
  const isProtected = ibm(segment, 54) === 1n || ibm(page, 54) === 1n;
  return { physical, read: true, write: !isProtected, execute: ibm(page, 55) === 0n };
}

/** Power ISA 3.0B, book III, 5.7.10: radix tree translation. Problem state. */
const radix: Mmu = (machine, va) => {
  // RTS, in two pieces, is the size of the address space less 31.
  const size = 31n + ((ibm(machine.root, 1, 2) << 3n) | ibm(machine.root, 56, 58));
  if (va >> size !== 0n) return null;
  let table = ibm(machine.root, 4, 55) << 8n;
  let indexBits = ibm(machine.root, 59, 63);
  for (let left = size; ; ) {
    if (indexBits < 5n || indexBits > 16n) throw new Error(`a table of ${indexBits} index bits`);
    // Root and next level base: a table is aligned to its size, 2^(index bits + 3).
    if (bits(table, Number(indexBits) + 2, 0) !== 0n) throw new Error('a table is not aligned');
    left -= indexBits;
    const index = (va >> left) & ((1n << indexBits) - 1n);
    const entry = fetch(machine, table + 8n * index, false);
    if (ibm(entry, 0) === 0n) return null;
    if (ibm(entry, 1) === 1n) return powerpcLeaf(entry, va, left);
    table = ibm(entry, 4, 55) << 8n;
    indexBits = ibm(entry, 59, 63);
  }
};

/** RPN in bits 7 to 51; EAA: privileged, read, read and write, execute. */
function powerpcLeaf(entry: bigint, va: bigint, pageBits: bigint): Translation {
  const mask = (1n << pageBits) - 1n;
  const physical = ((ibm(entry, 7, 51) << 12n) & ~mask) | (va & mask);
  const [privileged, read, write, execute] = [60, 61, 62, 63].map((at) => ibm(entry, at) === 1n);
  if (privileged === true) return noAccess(physical);
  return {
    physical,
    read: read === true || write === true,
    write: write === true,
    execute: execute === true,
  };
}

/**
 * Linux's tables of powerpc hash, pages of 64 KiB (arch/powerpc/include/asm/book3s/64/hash-64k.h:
 * index sizes 8, 10, 10, 8). No processor walks them; entries are those of radix, without sizes.
 */
const hash: Mmu = (machine, va) => {
  if (bits(va, 63, 52) !== 0n) return null;
  let table = machine.root;
  for (const [to, from] of [
    [51, 44],
    [43, 34],
    [33, 24],
    [23, 16],
  ] as const) {
    if (bits(table, 7, 0) !== 0n) throw new Error('a table is not aligned');
    const entry = fetch(machine, table + 8n * bits(va, to, from), false);
    if (!bit(entry, 63)) return null;
    if (bit(entry, 62)) return powerpcLeaf(entry, va, BigInt(from));
    table = bits(entry, 59, 0);
  }
  return null;
};

export const MMUS: Readonly<Record<string, Mmu>> = {
  generic: x86,
  'riscv-sv39': sv39,
  s390,
  'powerpc-radix-64k': radix,
  'powerpc-radix-4k': radix,
  'powerpc-hash-64k': hash,
};

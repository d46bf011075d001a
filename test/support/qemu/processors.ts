/**
 * How the processor of each architecture is told of page tables: what a small kernel would do with
 * a few instructions, done by the debugger to a machine that stands still.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Image } from 'ptfrag/pgtable';
import type { Gdb } from './gdb.js';
import { type Load, QemuMachine } from './machine.js';

export interface Processor {
  readonly program: string;
  readonly flags: readonly string[];
  readonly littleEndian: boolean;
  /** Whether it knows large pages. */
  readonly larges: boolean;
  /** Where the machine has memory that nothing else is in: the image's base. */
  readonly base: number;
  /** What must be in memory besides the image: powerpc's tables of processes. */
  readonly more?: (rootEntry: bigint) => readonly Load[];
  /** Makes the processor translate by the tables that `rootEntry` leads to. */
  readonly translate: (gdb: Gdb, rootEntry: bigint) => Promise<void>;
}

/** User mode; physical memory protection lets it use all of memory. */
const RISCV: Processor = {
  program: 'qemu-system-riscv64',
  flags: ['-M', 'virt', '-cpu', 'rv64', '-m', '512', '-bios', 'none'],
  littleEndian: true,
  larges: true,
  base: 0x9000_0000,
  translate: async (gdb, satp) => {
    await gdb.write('pmpaddr0', (1n << 54n) - 1n);
    // A region that is a power of two (NAPOT, 3 << 3), to be read, written and executed.
    await gdb.write('pmpcfg0', 0x1fn);
    await gdb.write('satp', satp);
    await gdb.write('priv', 0n);
  },
};

/** Long mode: PAE, LME and NXE, then paging. (Intel SDM 3A, 9.8.5.) */
const X86: Processor = {
  program: 'qemu-system-x86_64',
  flags: ['-M', 'pc', '-cpu', 'qemu64', '-m', '512'],
  littleEndian: true,
  larges: true,
  base: 0x1000_0000,
  translate: async (gdb, cr3) => {
    await gdb.write('cr4', 1n << 5n);
    await gdb.write('cr3', cr3);
    await gdb.write('efer', (1n << 8n) | (1n << 11n));
    // PG, WP, PE.
    await gdb.write('cr0', (1n << 31n) | (1n << 16n) | 1n);
  },
};

/** Primary space, by control register 1. QEMU emulates no processor with EDAT-1: large pages. */
const S390: Processor = {
  program: 'qemu-system-s390x',
  flags: ['-M', 's390-ccw-virtio', '-m', '512'],
  littleEndian: false,
  larges: false,
  base: 0x1000_0000,
  translate: async (gdb, asce) => {
    await gdb.write('cr1', asce);
    // DAT, bit 5; problem state, 15; addresses of 64 bits, 31 and 32.
    await gdb.write('pswm', (1n << 58n) | (1n << 48n) | (3n << 31n));
  },
};

/**
 * Of powerpc, below the image: the hypervisor's own tree, which the process table is looked up by,
 * the partition table, the process table. Each is aligned to its size.
 */
const OWN_ROOT = 0x0800_0000;
const OWN_TABLE = OWN_ROOT + 0x1_0000;
const PARTITIONS = OWN_TABLE + 0x1000;
const PROCESSES = PARTITIONS + 0x1000;
const OWN_END = PROCESSES + 0x1000;

/** An entry of a radix tree that is valid. */
const VALID = 1n << 63n;

/** A leaf: referenced and changed already, to be read and written. */
const LEAF = VALID | (1n << 62n) | 0x180n | 6n;

/** A tree of 52 bits whose root has 2^13 entries, as the process table says it. */
const SIZE_52 = 0x4000_0000_0000_00adn;

/** Process 1 of the hypervisor. (Power ISA 3.0B, book III, 5.7.6 and 5.7.10.) */
const POWER9: Processor = {
  program: 'qemu-system-ppc64',
  flags: ['-M', 'powernv9', '-m', '2G'],
  littleEndian: false,
  larges: true,
  base: 0x1000_0000,
  more: (rootEntry) => {
    const view = new DataView(new ArrayBuffer(OWN_END - OWN_ROOT));
    const put = (address: number, value: bigint): void =>
      view.setBigUint64(address - OWN_ROOT, value);
    // A table of 2^9 entries, whose first maps the first gigabyte to itself.
    put(OWN_ROOT, VALID | BigInt(OWN_TABLE) | 9n);
    put(OWN_TABLE, LEAF);
    // Partition 0: radix, its tree; then its process table, of 2^(0 + 12) bytes.
    put(PARTITIONS, VALID | SIZE_52 | BigInt(OWN_ROOT));
    put(PARTITIONS + 8, BigInt(PROCESSES));
    put(PROCESSES + 16, rootEntry);
    return [{ address: OWN_ROOT, bytes: new Uint8Array(view.buffer) }];
  },
  translate: async (gdb) => {
    await gdb.write('ptcr', BigInt(PARTITIONS));
    await gdb.write('pid', 1n);
    // LPCR: HR, radix, bit 43, and UPRT, bit 41.
    await gdb.write('lpcr', (await gdb.read('lpcr')) | (1n << 20n) | (1n << 22n));
    // MSR: 64 bits, hypervisor, problem state, instructions and data translated.
    await gdb.write('msr', (1n << 63n) | (1n << 60n) | (1n << 14n) | (1n << 5n) | (1n << 4n));
  },
};

/** By the names of formats. powerpc hash is missing: no processor walks those tables. */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  'powerpc-radix-4k': POWER9,
  'powerpc-radix-64k': POWER9,
  'riscv-sv39': RISCV,
  generic: X86,
  s390: S390,
};

/** Whether QEMU for this processor is in the PATH. */
export function isInstalled({ program }: Processor): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** A machine whose processor translates by an image. */
export async function startOn(processor: Processor, image: Image): Promise<QemuMachine> {
  const { base, bytes, rootEntry } = image;
  const memory = [{ address: base, bytes }, ...(processor.more?.(rootEntry) ?? [])];
  const machine = await QemuMachine.start({ ...processor, memory });
  await processor.translate(machine.gdb, rootEntry);
  return machine;
}

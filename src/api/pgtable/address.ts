/**
 * Addresses as users give them, to pages as the tree has them; what can't be is refused here.
 *
 * Virtual addresses go up to 2^64 on s390, so they may be bigints; a number must be a safe integer.
 * An address that the machine does not have is not canonical. The upper half of x86-64 and of Sv39,
 * where all upper bits are set, is not supported, and refused in the same way.
 */
import { UsageError } from '../../core/base/errors.js';
import { shown } from '../../core/base/shown.js';
import type { Vpn } from '../../core/base/units.js';
import { type EntryFormat, PROT, type Prot } from '../../core/pgtable/format.js';
import { spanOf } from '../../core/pgtable/space.js';

/** A virtual address or a length, in bytes. A number must be a safe integer. */
export type Address = number | bigint;

/** Pages that follow each other. */
export interface PageRange {
  readonly vpn: Vpn;
  readonly pages: number;
}

/** Physical addresses end here: they are in one word of an entry. */
export const PHYSICAL_END: number = 2 ** 32;

const PROT_ALL = PROT.read | PROT.write | PROT.exec | PROT.young | PROT.dirty;

function hex(value: Address): string {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  return isWhole && value >= 0 ? `0x${value.toString(16)}` : shown(value);
}

/** Pages that can be mapped. */
function pagesMax({ addressBits, pageShift }: EntryFormat): number {
  return 2 ** (addressBits - pageShift);
}

/** The page that an address lies in. Throws `UsageError` for what is no address of the format. */
export function pageOf(format: EntryFormat, va: Address): Vpn {
  const vpn = unitsOf(va, format.pageShift);
  if (vpn < pagesMax(format)) return vpn as Vpn;
  throw new UsageError(
    'bad-address',
    `${hex(va)} is not canonical, or of the upper half of ${format.name}`,
  );
}

/**
 * One more than the greatest address of a format that a number can be: below it, what is whole is
 * an address.
 */
export function numberEnd(format: EntryFormat): number {
  return 2 ** Math.min(53, format.addressBits);
}

/** How many whole units of 2^shift bytes there are below an address. */
function unitsOf(value: Address, shift: number): number {
  // What is too large for an exact number is beyond every format, and refused by the caller.
  if (typeof value === 'bigint' && value >= 0n) return Number(value >> BigInt(shift));
  if (Number.isSafeInteger(value) && (value as number) >= 0) {
    // `+ 0`: -0 is 0.
    return Math.floor((value as number) / 2 ** shift) + 0;
  }
  const allowed = 'a bigint, or a safe integer, that is not negative';
  throw new UsageError('bad-address', `${hex(value)} is no address: it must be ${allowed}`);
}

function requireAligned(value: Address, bytes: number, what: string): void {
  const rest = typeof value === 'bigint' ? Number(value % BigInt(bytes)) : value % bytes;
  if (rest !== 0)
    throw new UsageError('unaligned', `${what} ${hex(value)} is no multiple of ${bytes}`);
}

/** The page that begins at an address. */
export function firstPageOf(format: EntryFormat, va: Address): Vpn {
  const vpn = pageOf(format, va);
  requireAligned(va, 2 ** format.pageShift, 'virtual address');
  return vpn;
}

/** The pages of a range. It may be empty; it may not wrap, nor end beyond what the format maps. */
export function rangeOf(format: EntryFormat, va: Address, bytes: Address): PageRange {
  const vpn = firstPageOf(format, va);
  const pages = unitsOf(bytes, format.pageShift);
  requireAligned(bytes, 2 ** format.pageShift, 'length');
  if (vpn + pages <= pagesMax(format)) return { vpn, pages };
  const range = `${hex(bytes)} bytes from ${hex(va)} on`;
  throw new UsageError('bad-range', `${range} do not end within the addresses of ${format.name}`);
}

/** Refuses a physical address of so many pages that is not aligned to `align` bytes. */
export function requireFrames(
  format: EntryFormat,
  address: number,
  pages: number,
  align: number = 2 ** format.pageShift,
): void {
  if (!Number.isSafeInteger(address) || address < 0) {
    const allowed = 'it must be a safe integer that is not negative';
    throw new UsageError('bad-address', `physical address is ${shown(address)}; ${allowed}`);
  }
  requireAligned(address, align, 'physical address');
  if (address + pages * 2 ** format.pageShift <= PHYSICAL_END) return;
  const what = `${pages} pages from physical address ${hex(address)} on`;
  throw new UsageError('bad-address', `${what} do not end below 4 GiB`);
}

/** The first page of a large page, which is aligned to its size in both kinds of address. */
export function largePageOf(format: EntryFormat, va: Address, address: number): Vpn {
  const vpn = firstPageOf(format, va);
  const pages = spanOf(format, 1);
  const bytes = pages * 2 ** format.pageShift;
  requireAligned(va, bytes, 'virtual address of a large page');
  requireFrames(format, address, pages, bytes);
  return vpn;
}

/** A range that is mapped to the frames from `address` on. */
export function framesOf(
  format: EntryFormat,
  va: Address,
  bytes: Address,
  address: number,
  prot: Prot,
): PageRange {
  const range = rangeOf(format, va, bytes);
  requireFrames(format, address, range.pages);
  requireProt(prot);
  return range;
}

export function requireProt(prot: Prot): void {
  if (typeof prot === 'number' && (prot & PROT_ALL) === prot) return;
  throw new UsageError(
    'bad-prot',
    `${shown(prot)} is no set of PROT's bits, as PROT.read | PROT.write`,
  );
}

export function pageAt(vpn: Vpn, offset: number): Vpn {
  return (vpn + offset) as Vpn;
}

/** The address of a page, for messages. */
export function addressOf(format: EntryFormat, vpn: Vpn): string {
  return hex(BigInt(vpn) << BigInt(format.pageShift));
}

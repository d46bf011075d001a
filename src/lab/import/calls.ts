/**
 * System calls about memory and tasks, as numbers, whichever recorder wrote them down.
 *
 * Flags are Linux's own. Those that count here are the same on all architectures, but for
 * MAP_LOCKED and MAP_NORESERVE, which a recorder that prints numbers can get wrong on powerpc.
 */
import type { Action } from './action.js';

export interface CallArguments {
  /** mmap, munmap, mprotect, brk; of mremap the old place. */
  readonly address: number;
  readonly length: number;
  /** mremap. */
  readonly newLength: number;
  readonly protection: number;
  readonly flags: number;
  readonly offset: number;
}

const PROTECTION: Readonly<Record<string, number>> = { READ: 1, WRITE: 2, EXEC: 4 };

const MAP: Readonly<Record<string, number>> = {
  SHARED: 0x01,
  PRIVATE: 0x02,
  SHARED_VALIDATE: 0x03,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  GROWSDOWN: 0x100,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  STACK: 0x20000,
  FIXED_NOREPLACE: 0x10_0000,
};

const REMAP: Readonly<Record<string, number>> = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 };

const CLONE: Readonly<Record<string, number>> = { VM: 0x100, VFORK: 0x4000, THREAD: 0x10000 };

type FlagKind = 'PROT' | 'MAP' | 'MREMAP' | 'CLONE';

const NAMES: Readonly<Record<FlagKind, Readonly<Record<string, number>>>> = {
  PROT: PROTECTION,
  MAP,
  MREMAP: REMAP,
  CLONE,
};

const PREFIX = /^(?:PROT|MAP|MREMAP|CLONE)_/;

/** `MAP_PRIVATE|MAP_ANONYMOUS|0x40` or `PRIVATE|ANONYMOUS`. Unknown names count nothing. */
export function bitsOf(kind: FlagKind, text: string): number {
  const known = NAMES[kind];
  let bits = 0;
  for (const word of text.split('|')) {
    const name = word.trim().replace(PREFIX, '');
    bits |= known[name] ?? (/^(?:0x[\da-f]+|\d+)$/.test(name) ? Number(name) : 0);
  }
  return bits;
}

export function sharesMm(cloneFlags: number): boolean {
  return (cloneFlags & (CLONE['VM'] as number)) !== 0;
}

/** CLONE_VFORK: the parent waits until the child has left its address space. */
export function lendsMm(cloneFlags: number): boolean {
  return sharesMm(cloneFlags) && (cloneFlags & (CLONE['VFORK'] as number)) !== 0;
}

export function isThread(cloneFlags: number): boolean {
  return (cloneFlags & (CLONE['THREAD'] as number)) !== 0;
}

/** What flags a call makes a task with; null: it makes none. -1: with those in its arguments. */
export function birthFlags(call: string): number | null {
  if (call === 'fork') return 0;
  if (call === 'vfork') return MAKES_VFORK;
  return call === 'clone' || call === 'clone2' || call === 'clone3' ? -1 : null;
}

const MAKES_VFORK: number = (CLONE['VM'] as number) | (CLONE['VFORK'] as number);

/** The calls that `memoryAction` reads. */
export const MEMORY_CALLS: ReadonlySet<string> = new Set([
  'mmap',
  'mmap2',
  'old_mmap',
  'munmap',
  'mremap',
  'mprotect',
  'pkey_mprotect',
  'brk',
]);

/** What a call did that returned `result`; null: nothing, or it failed. */
export function memoryAction(
  task: number,
  call: string,
  given: CallArguments,
  result: number,
): Action | null {
  if (!(result >= 0 && result < Number.MAX_SAFE_INTEGER)) return null;
  const { address, length, newLength, protection, flags } = given;
  const to = pageEnd(address + length);
  switch (call) {
    case 'mmap':
    case 'mmap2':
    case 'old_mmap':
      return mapAction(task, given, result);
    case 'munmap':
      return { op: 'unmap', task, from: address, to };
    case 'mremap': {
      const keep = (flags & (REMAP['DONTUNMAP'] as number)) !== 0;
      const newTo = pageEnd(result + newLength);
      return { op: 'remap', task, from: address, to, newFrom: result, newTo, keep };
    }
    case 'brk':
      return { op: 'brk', task, at: result };
    default:
      return protection === 0 ? null : { op: 'protect', task, from: address, to };
  }
}

function mapAction(task: number, given: CallArguments, from: number): Action {
  const { length, protection, flags, offset } = given;
  const has = (name: string): boolean => (flags & (MAP[name] as number)) !== 0;
  return {
    op: 'map',
    task,
    from,
    to: pageEnd(from + length),
    shared: (flags & (MAP['SHARED'] as number)) !== 0,
    writable: (protection & (PROTECTION['WRITE'] as number)) !== 0,
    accessible: protection !== 0,
    anonymous: has('ANONYMOUS'),
    populated: has('POPULATE') || has('LOCKED'),
    downwards: has('STACK') || has('GROWSDOWN'),
    noReserve: has('NORESERVE'),
    fixed: has('FIXED') || has('FIXED_NOREPLACE'),
    replaces: true,
    offset,
  };
}

function pageEnd(address: number): number {
  return Math.ceil(address / 4096) * 4096;
}

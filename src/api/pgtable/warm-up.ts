/**
 * The ordinary ways of the operations of address spaces, gone once before a JavaScript thread has
 * its first space of a format: see ../warm-up.ts, which does so for tables.
 */
import type { Heap, HeapConfig } from '../../core/mem/heap.js';
import type { Memory } from '../../core/mem/memory.js';
import { layoutOf } from '../../core/mem/regions.js';
import { privateMemory } from '../../core/mem/shared.js';
import { type EntryFormat, PROT } from '../../core/pgtable/format.js';
import { levelOf, spanOf } from '../../core/pgtable/space.js';
import { attachThread } from '../../core/rcu/attach.js';
import type { Attachment } from '../attachment.js';
import { payOff } from '../debts.js';
import { makeHeap } from '../making.js';
import { Operations } from '../operation.js';
import { probeDeepStack } from '../stack.js';
import { MmUsers } from '../users.js';
import { wholeSpace } from './ranges.js';
import { AddressSpace } from './space.js';

/** More than the tables of one space with a few pages take, in any format. */
const PAGES = 32;

/** Formats whose operations this JavaScript thread has run. */
const warm = new Set<EntryFormat>();

/** Throws `RangeError` where there is too little stack: then the next call tries again. */
export function warmUpFor(heap: Heap, format: EntryFormat): void {
  if (warm.has(format)) return;
  probeDeepStack();
  const config: HeapConfig = { ...heap, pagesMax: PAGES, threadsMax: 1, mmsMax: 2, debug: false };
  const mem = memoryFor(layoutOf(config).words);
  if (mem === null) return;
  const core = attachThread(makeHeap(mem, config, PAGES), 'epoch');
  const freed = (): void => void payOff(core);
  const operations = new Operations(core);
  const running = (): (() => void) => () => {};
  const attachment: Attachment = { operations, users: new MmUsers(), freed, running };
  useOften(new AddressSpace(attachment, wholeSpace(core, format, 0)), format);
  // Nobody else knows the heap: its end is that nobody has it.
  warm.add(format);
}

/** Null where there is none to be had: what is then compiled late can't be helped. */
function memoryFor(words: number): Memory | null {
  try {
    return privateMemory(words);
  } catch {
    return null;
  }
}

/** Maps in two tables, and takes all back. Only what programs call often: see `isFrequent`. */
function useOften(space: AddressSpace, format: EntryFormat): void {
  const { pageBytes } = space;
  const tableBytes = spanOf(format, 1) * pageBytes;
  const last = tableBytes - pageBytes;
  space.mapPage(last, 0, PROT.read);
  space.mapRange(tableBytes, pageBytes, 0, PROT.read);
  space.protect(last, 2 * pageBytes, PROT.write);
  space.unmapRange(last, 2 * pageBytes);
  // Where a level above the lowest can map frames: what undoes a part of a large page splits it.
  if (levelOf(format, 1).leafAny === 0) return;
  space.mapPage(0, 0, PROT.read);
  space.collapse(0, 0, PROT.read);
  space.unmapRange(0, pageBytes);
}

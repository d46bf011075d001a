/**
 * A heap's header, before it is believed: is it one, of this version, and as it was written?
 *
 * A header that was written over would not fail by itself: a thread that attached would take the
 * wrong words for locks, and wait for ever. So each word is asked whether it can be, and all that
 * nobody changes are summed up. A heap may be in use meanwhile: of words that change, only what
 * holds at any moment is asked.
 */
import { UsageError } from '../base/errors.js';
import { at, type Word } from '../base/units.js';
import { kindFault, LIMITS } from './config.js';
import type { Heap, Kind } from './heap.js';
import { HEAD_WORDS, HEAP, HEAP_MAGIC, KINDS_AT, LAYOUT_VERSION } from './layout.js';
import type { Memory } from './memory.js';

/** HEAP_MAGIC as a machine of the other byte order reads it. */
const MAGIC_REVERSED = 0x50544652;

/** No version had, or will soon have, such a number. */
const VERSIONS_MAX = 1000;

/** BROKEN says one of P1 to P12 of docs/requirements.md. test/docs.test.ts holds the number. */
export const RULES_MAX = 12;

/** A word of the header by its name, and its limits. */
type WordLimits = readonly [name: keyof typeof HEAP, least: number, most: number];

const CONSTANTS: readonly WordLimits[] = [
  ['PAGE_SHIFT', LIMITS.pageShift.least, LIMITS.pageShift.most],
  ['PAGES_MAX', LIMITS.pagesMax.least, LIMITS.pagesMax.most],
  ['THREADS_MAX', LIMITS.threadsMax.least, LIMITS.threadsMax.most],
  ['MMS_MAX', LIMITS.mmsMax.least, LIMITS.mmsMax.most],
  ['KINDS', LIMITS.kinds.least, LIMITS.kinds.most],
  ['SHARED_OWNER', 0, 1],
  ['SPINS', 0, 2 ** 31 - 1],
  ['DEBUG', 0, 1],
];

function wordOf(mem: Memory, field: number): number {
  return mem.peek(field as Word);
}

/** Refuses what begins with no header of a heap of this version. `magic`: the word MAGIC. */
export function requireHeader(mem: Memory, magic: number): void {
  if (magic === MAGIC_REVERSED) {
    const message = 'the heap was made on a machine of another byte order';
    throw new UsageError('other-byte-order', message);
  }
  if (magic !== HEAP_MAGIC) {
    throw new UsageError('not-a-heap', 'there is no heap at this place of the buffer');
  }
  requireNone(wordFaults(mem, [['VERSION', 1, VERSIONS_MAX]]));
  const version = wordOf(mem, HEAP.VERSION);
  if (version !== LAYOUT_VERSION) {
    const found = `layout ${version}, this is for layout ${LAYOUT_VERSION}`;
    const message = `the heap was made by another version of ptfrag: ${found}`;
    throw new UsageError('other-version', message);
  }
  requireNone(wordFaults(mem, CONSTANTS));
}

/** Refuses a header, of this version, that is not as its heap's maker left it. */
export function requireSound(mem: Memory, kinds: readonly Kind[]): void {
  kinds.forEach((kind, index) => {
    const fault = kindFault(kind, 2 ** wordOf(mem, HEAP.PAGE_SHIFT));
    if (fault !== null) throw damaged(`kind ${index}: ${fault}`);
  });
  requireNone(constantsFaults(mem));
  const most = (field: number): number => wordOf(mem, field);
  requireNone(countFaults(mem, most(HEAP.PAGES_MAX), most(HEAP.THREADS_MAX), most(HEAP.MMS_MAX)));
}

/** What is wrong with the header of a heap that is open. */
export function headerFaults({ mem, pagesMax, threadsMax, mmsMax }: Heap): string[] {
  return [...constantsFaults(mem), ...countFaults(mem, pagesMax, threadsMax, mmsMax)];
}

function constantsFaults(mem: Memory): string[] {
  const [sum, found] = [wordOf(mem, HEAP.CONSTANTS_SUM), constantsSum(mem)];
  if (sum === found) return [];
  const words = `words 1 to ${HEAP.CONSTANTS_SUM - 1} and ${KINDS_AT} to ${HEAD_WORDS - 1}`;
  return [`CONSTANTS_SUM is ${sum}, and the sum of ${words}, which never change, ${found}`];
}

function countFaults(mem: Memory, pages: number, threads: number, mms: number): string[] {
  return wordFaults(mem, [
    ['BROKEN', 0, RULES_MAX],
    ['LIMIT_PAGES', 0, pages],
    ['THREADS_HIGH', 0, threads],
    ['FREE_PAGES', 0, pages],
    ['MM_HIGH', 0, mms],
  ]);
}

function wordFaults(mem: Memory, words: readonly WordLimits[]): string[] {
  return words
    .map(([name, least, most]) => ({ name, least, most, value: wordOf(mem, HEAP[name]) }))
    .filter(({ least, most, value }) => value < least || value > most)
    .map(({ name, least, most, value }) => `${name} is ${value}; it can be ${least} to ${most}`);
}

function requireNone([fault]: readonly string[]): void {
  if (fault !== undefined) throw damaged(fault);
}

function damaged(what: string): UsageError {
  return new UsageError('damaged', `the heap's header was written over: ${what}`);
}

/** Of what createHeap writes and nobody changes: FNV-1a, by words. */
export function constantsSum(mem: Memory): number {
  let sum = 0x811c9dc5;
  const add = (from: number, end: number): void => {
    for (let word = from; word < end; word++) {
      sum = Math.imul(sum ^ mem.peek(at(0 as Word, word)), 0x01000193);
    }
  };
  add(HEAP.VERSION, HEAP.CONSTANTS_SUM);
  add(KINDS_AT, HEAD_WORDS);
  return sum;
}

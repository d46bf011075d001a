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
import type { Kind } from './heap.js';
import { HEAD_WORDS, HEAP, HEAP_MAGIC, KINDS_AT, LAYOUT_VERSION } from './layout.js';
import type { Memory } from './memory.js';

/** HEAP_MAGIC as a machine of the other byte order reads it. */
const MAGIC_REVERSED = 0x50544652;

/** No version had, or will soon have, such a number. */
const VERSIONS_MAX = 1000;

/** BROKEN says one of P1 to P11 of docs/requirements.md. test/docs.test.ts holds the number. */
export const RULES_MAX = 11;

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
  requireWords(mem, [['VERSION', 1, VERSIONS_MAX]]);
  const version = wordOf(mem, HEAP.VERSION);
  if (version !== LAYOUT_VERSION) {
    const found = `layout ${version}, this is for layout ${LAYOUT_VERSION}`;
    const message = `the heap was made by another version of ptfrag: ${found}`;
    throw new UsageError('other-version', message);
  }
  requireWords(mem, CONSTANTS);
}

/** Refuses a header, of this version, that is not as its heap's maker left it. */
export function requireSound(mem: Memory, kinds: readonly Kind[]): void {
  kinds.forEach((kind, index) => {
    const fault = kindFault(kind, 2 ** wordOf(mem, HEAP.PAGE_SHIFT));
    if (fault !== null) throw damaged(`kind ${index}: ${fault}`);
  });
  const [sum, found] = [wordOf(mem, HEAP.CONSTANTS_SUM), constantsSum(mem)];
  if (sum !== found) {
    const words = `words 1 to ${HEAP.CONSTANTS_SUM - 1} and ${KINDS_AT} to ${HEAD_WORDS - 1}`;
    throw damaged(`CONSTANTS_SUM is ${sum}, and the sum of ${words}, which never change, ${found}`);
  }
  requireWords(mem, [
    ['BROKEN', 0, RULES_MAX],
    ['LIMIT_PAGES', 0, wordOf(mem, HEAP.PAGES_MAX)],
    ['THREADS_HIGH', 0, wordOf(mem, HEAP.THREADS_MAX)],
    ['FREE_PAGES', 0, wordOf(mem, HEAP.PAGES_MAX)],
    ['MM_HIGH', 0, wordOf(mem, HEAP.MMS_MAX)],
  ]);
}

function requireWords(mem: Memory, words: readonly WordLimits[]): void {
  for (const [name, least, most] of words) {
    const value = wordOf(mem, HEAP[name]);
    if (value >= least && value <= most) continue;
    throw damaged(`${name} is ${value}; it can be ${least} to ${most}`);
  }
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

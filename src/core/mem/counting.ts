/**
 * The shipping seam, and a count of what is atomic: for replays on one thread, never for a heap in
 * use. A process that has seen both at one call site is slower at both.
 *
 * Counted are locks taken (the compare-and-swap on an owner's lock word that finds it free) and all
 * other read-modify-writes, each for the kind that the caller says is at work. Not counted: letting
 * go of a lock, loads and stores, and what lies in the header, which is the supply's lock, that of
 * the table of mms, and the numbers of grace periods.
 */
import { assertAtImport } from '../base/assert.js';
import type { Word } from '../base/units.js';
import { MM } from './layout.js';
import type { Layout } from './regions.js';
import { SharedMemory } from './shared.js';

assertAtImport(MM.LOCK === 0, 'an owner is not locked by its own address');

export class CountingMemory extends SharedMemory {
  /** For which kind accesses are counted; 2: for none. */
  kind: 0 | 1 | 2 = 2;
  readonly locks: [number, number, unasked: number] = [0, 0, 0];
  readonly atomics: [number, number, unasked: number] = [0, 0, 0];
  private readonly ownersAt: number;
  private readonly ownersEnd: number;

  constructor(words: Int32Array, { mmsAt, threadsAt }: Layout) {
    super(words, true);
    this.ownersAt = mmsAt;
    this.ownersEnd = threadsAt;
  }

  private isOwnerLock(word: number): boolean {
    return word < this.ownersEnd && (word - this.ownersAt) % MM.WORDS === MM.LOCK;
  }

  private count(word: Word): void {
    if (word >= this.ownersAt && !this.isOwnerLock(word)) this.atomics[this.kind]++;
  }

  override cas(word: Word, expected: number, value: number): number {
    const found = super.cas(word, expected, value);
    if (word < this.ownersAt) return found;
    if (!this.isOwnerLock(word)) this.atomics[this.kind]++;
    else if (found === 0) this.locks[this.kind]++;
    return found;
  }

  /** One thread: nobody sleeps. */
  override notify(): void {}

  override exchange(word: Word, value: number): number {
    this.count(word);
    return super.exchange(word, value);
  }

  override add(word: Word, value: number): number {
    this.count(word);
    return super.add(word, value);
  }

  override and(word: Word, value: number): number {
    this.count(word);
    return super.and(word, value);
  }

  override or(word: Word, value: number): number {
    this.count(word);
    return super.or(word, value);
  }

  override xor(word: Word, value: number): number {
    this.count(word);
    return super.xor(word, value);
  }
}

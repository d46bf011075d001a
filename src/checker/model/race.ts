/**
 * Data races, by happens-before.
 *
 * Two accesses of one word race if they are by different threads, at least one is plain, at least
 * one writes, and neither happens before the other. Happens-before is that of ECMAScript's memory
 * model: program order, and an atomic access that reads a word comes after the one whose value it
 * reads. Each thread has a vector clock; each word has the clock that its last atomic writer left,
 * and for each thread the times of its last accesses of four sorts.
 *
 * A store leaves only its own thread's clock: who reads it learns nothing of the values that it
 * overwrote. A read-modify-write has read those, and passes them on.
 */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import { READS, WRITES } from './access.js';
import type { Journal } from './state.js';

const PLAIN_READ = 0;
const PLAIN_WRITE = 1;
const ATOMIC_READ = 2;
const ATOMIC_WRITE = 3;
const SORTS = 4;

const NAMES = ['plain read', 'plain write', 'atomic read', 'atomic write'];

export class Races {
  private readonly journal: Journal;
  private readonly threads: number;
  private readonly clocksAt: number;
  private readonly leftAt: number;
  private readonly timesAt: number;

  /** Words of the journal that it needs. */
  static words(words: number, threads: number): number {
    return threads * threads + words * threads * (1 + SORTS);
  }

  constructor(journal: Journal, at: number, words: number, threads: number) {
    this.journal = journal;
    this.threads = threads;
    this.clocksAt = at;
    this.leftAt = at + threads * threads;
    this.timesAt = this.leftAt + words * threads;
  }

  /*
   * Each of these is over at once if the thread did the same before and has left its clock nowhere
   * since: nobody can have come after it, so whoever has touched the word in between has found the
   * race.
   */

  plainRead(thread: number, word: Word): void {
    if (!this.stamp(thread, word, PLAIN_READ)) return;
    this.forbid(thread, word, PLAIN_WRITE, PLAIN_READ);
    this.forbid(thread, word, ATOMIC_WRITE, PLAIN_READ);
  }

  plainWrite(thread: number, word: Word): void {
    if (!this.stamp(thread, word, PLAIN_WRITE)) return;
    for (let sort = 0; sort < SORTS; sort++) this.forbid(thread, word, sort, PLAIN_WRITE);
  }

  /** Atomic writes may race with it, and the thread learns nothing of what they came after. */
  glance(thread: number, word: Word): void {
    if (this.stamp(thread, word, ATOMIC_READ)) this.forbid(thread, word, PLAIN_WRITE, ATOMIC_READ);
  }

  atomic(thread: number, word: Word, effects: number, isStore: boolean): void {
    const reads = (effects & READS) !== 0 && !isStore;
    const writes = (effects & WRITES) !== 0;
    const sort = writes ? ATOMIC_WRITE : ATOMIC_READ;
    if (this.stamp(thread, word, sort)) {
      this.forbid(thread, word, PLAIN_WRITE, sort);
      if (writes) this.forbid(thread, word, PLAIN_READ, sort);
    }
    if (reads) this.learn(thread, word);
    if (writes) this.leave(thread, word);
  }

  /** The thread has read what the word's last atomic writer left. */
  private learn(thread: number, word: Word): void {
    const { journal, threads } = this;
    for (let other = 0; other < threads; other++) {
      const left = journal.get(this.leftAt + word * threads + other);
      const mine = this.clocksAt + thread * threads + other;
      if (left > journal.get(mine)) journal.set(mine, left);
    }
  }

  /** The word takes the thread's clock along, and the thread's time goes on. */
  private leave(thread: number, word: Word): void {
    const { journal, threads } = this;
    for (let other = 0; other < threads; other++) {
      const mine = journal.get(this.clocksAt + thread * threads + other);
      const time = other === thread ? mine + 1 : mine;
      const left = this.leftAt + word * threads + other;
      if (journal.get(left) !== time) journal.set(left, time);
    }
    const own = this.clocksAt + thread * threads + thread;
    journal.set(own, journal.get(own) + 1);
  }

  /** Notes the time, from 1; 0 is never. False: it was noted already. */
  private stamp(thread: number, word: Word, sort: number): boolean {
    const now = this.journal.get(this.clocksAt + thread * this.threads + thread) + 1;
    const at = this.timeAt(thread, word, sort);
    if (this.journal.get(at) === now) return false;
    this.journal.set(at, now);
    return true;
  }

  private timeAt(thread: number, word: Word, sort: number): number {
    return this.timesAt + (word * SORTS + sort) * this.threads + thread;
  }

  private forbid(thread: number, word: Word, sort: number, mine: number): void {
    const { journal, threads } = this;
    for (let other = 0; other < threads; other++) {
      if (other === thread) continue;
      const time = journal.get(this.timeAt(other, word, sort));
      if (time === 0 || time <= journal.get(this.clocksAt + thread * threads + other)) continue;
      const what = `${NAMES[mine]} by thread ${thread} and ${NAMES[sort]} by thread ${other}`;
      throw new InvariantError('race', `${what} are not ordered`, word);
    }
  }
}

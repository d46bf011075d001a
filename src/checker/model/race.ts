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
 *
 * Each word has a list of waiters too, and a gate to it. `Atomics.wait` goes through the gate when
 * it compares and again when it ends, `Atomics.notify` once, and whoever goes through comes after
 * all who went before: ECMAScript's critical section of a WaiterList. So a sleeper that was woken
 * comes after what its waker did before, though it has read nothing. That is not so where a thread
 * may not sleep, and where a wait ends early: there `awaitChange` orders nothing.
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
  private readonly gatesAt: number;
  /** Of `outline`. */
  private readonly places: number[] = [];
  private readonly times: number[] = [];

  /** Words of the journal that it needs. */
  static words(words: number, threads: number): number {
    return threads * threads + words * threads * (2 + SORTS);
  }

  constructor(journal: Journal, at: number, words: number, threads: number) {
    this.journal = journal;
    this.threads = threads;
    this.clocksAt = at;
    this.leftAt = at + threads * threads;
    this.timesAt = this.leftAt + words * threads;
    this.gatesAt = this.timesAt + words * threads * SORTS;
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
    if (reads) this.learn(thread, this.leftAt + word * this.threads);
    if (writes) this.leave(thread, this.leftAt + word * this.threads);
  }

  /** A thread goes through the gate to a word's list of waiters. */
  pass(thread: number, word: Word): void {
    this.learn(thread, this.gatesAt + word * this.threads);
    this.leave(thread, this.gatesAt + word * this.threads);
  }

  /** A thread comes after all that another did, which does nothing any more. */
  outlive(thread: number, dead: number): void {
    const { journal, threads } = this;
    const own = this.clocksAt + dead * threads + dead;
    // Its last accesses have the time that was still to come.
    journal.set(own, journal.get(own) + 1);
    this.learn(thread, this.clocksAt + dead * threads);
  }

  /** The thread comes after what was left there: by a word's last atomic writer, or at a gate. */
  private learn(thread: number, at: number): void {
    const { journal, threads } = this;
    for (let other = 0; other < threads; other++) {
      const left = journal.get(at + other);
      const mine = this.clocksAt + thread * threads + other;
      if (left > journal.get(mine)) journal.set(mine, left);
    }
  }

  /** The thread's clock is left there, and its time goes on. */
  private leave(thread: number, at: number): void {
    const { journal, threads } = this;
    for (let other = 0; other < threads; other++) {
      const mine = journal.get(this.clocksAt + thread * threads + other);
      const time = other === thread ? mine + 1 : mine;
      if (journal.get(at + other) !== time) journal.set(at + other, time);
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

  /**
   * Gives to `take` what of the clocks can still make a difference, in an order and in numbers that
   * do not depend on the way here. `alive`: threads that have not ended.
   *
   * Times of one thread are only ever compared with each other. What all others who are alive know
   * of is over, and of the rest only the order counts.
   */
  outline(words: readonly number[], alive: readonly number[], take: (value: number) => void): void {
    for (let thread = 0; thread < this.threads; thread++) {
      this.outlineOf(thread, words, alive, take);
      take(-1);
    }
  }

  private outlineOf(
    thread: number,
    words: readonly number[],
    alive: readonly number[],
    take: (value: number) => void,
  ): void {
    const { journal, threads } = this;
    let known = Number.POSITIVE_INFINITY;
    for (const other of alive) {
      if (other === thread) continue;
      known = Math.min(known, journal.get(this.clocksAt + other * threads + thread));
    }
    if (known === Number.POSITIVE_INFINITY) return;
    const { places, times } = this;
    places.length = 0;
    times.length = 0;
    const note = (place: number, time: number): void => {
      if (time > known) places.push(place, time);
    };
    for (const other of alive) note(other, journal.get(this.clocksAt + other * threads + thread));
    for (const word of words) {
      const place = threads + word * (SORTS + 2);
      for (let sort = 0; sort < SORTS; sort++) {
        note(place + sort, journal.get(this.timeAt(thread, word as Word, sort)));
      }
      note(place + SORTS, journal.get(this.leftAt + word * threads + thread));
      note(place + SORTS + 1, journal.get(this.gatesAt + word * threads + thread));
    }
    const own = journal.get(this.clocksAt + thread * threads + thread);
    for (let at = 1; at < places.length; at += 2) times.push(places[at] as number);
    // What it is doing now is later than what it has let others know.
    times.push(own, own + 1);
    const order = [...new Set(times)].sort((a, b) => a - b);
    for (let at = 0; at < places.length; at += 2) {
      take(places[at] as number);
      take(order.indexOf(places[at + 1] as number));
    }
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

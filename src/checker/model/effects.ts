/**
 * What an access does: to the words, to the clocks that find races, and to who sleeps.
 *
 * `thread` is the one whose operation makes the access. -1 says that nobody's does: while a
 * scenario is set up and while its end is judged, accesses are done at once and leave no mark in
 * the clocks.
 */
import { InvariantError } from '../../core/base/errors.js';
import { shown } from '../../core/base/shown.js';
import type { Word } from '../../core/base/units.js';
import { ACCESS, type AccessKind, effectsOf, READS, valueAfter, WRITES } from './access.js';
import type { Sleepers } from './sleep.js';
import { STATUS, type State } from './state.js';

export class Effects {
  private readonly state: State;
  private readonly sleepers: Sleepers;
  /** Of the words of the memory, how many are the scenario's own. */
  private readonly ownWords: number;

  constructor(state: State, sleepers: Sleepers, ownWords: number) {
    this.state = state;
    this.sleepers = sleepers;
    this.ownWords = ownWords;
  }

  /** Does an access and returns what it found. */
  perform(
    thread: number,
    step: number,
    kind: AccessKind,
    word: Word,
    a: number,
    b: number,
  ): number {
    if (kind === ACCESS.fill || kind === ACCESS.copy)
      return this.range(thread, step, kind, word, a, b);
    if (kind === ACCESS.kill) return this.kill(thread, step, word, a);
    const { state } = this;
    const found = state.view(word);
    if (thread >= 0) this.record(thread, kind, word, a, found);
    switch (kind) {
      case ACCESS.load:
      case ACCESS.glance:
      case ACCESS.peek:
        break;
      case ACCESS.awaitChange:
        if (found === a) this.sleep(thread, word, STATUS.asleep, step);
        break;
      case ACCESS.awaitBriefly:
        if (found === a) this.sleep(thread, word, STATUS.dozing, step);
        break;
      case ACCESS.notify:
        this.requireUnborn(word);
        this.sleepers.wake(word, a, step);
        break;
      default:
        // A CAS that fails writes nothing.
        if (kind === ACCESS.cas && found !== a) break;
        state.write(word, valueAfter(kind, a, b, found), thread, step);
    }
    return found;
  }

  /** The word says that a thread is dead. */
  private kill(thread: number, step: number, word: Word, victim: number): number {
    if (thread < 0) throw new InvariantError('X1', 'setting up kills nobody');
    if (thread === victim) throw new InvariantError('X1', 'a thread kills itself: let it return');
    const { state, sleepers } = this;
    state.touch(word);
    state.races.atomic(thread, word, READS | WRITES, false);
    state.races.outlive(thread, victim);
    state.write(word, 1, thread, step);
    sleepers.die(victim);
    return 0;
  }

  /** Who is spawned has not begun. The word of that is the first of two: see spawn.ts. */
  private requireUnborn(word: Word): void {
    const place = word - this.ownWords;
    if (place < 0 || place % 2 !== 0 || this.sleepers.hasUnborn(word)) return;
    throw new InvariantError('spawn', 'a thread is spawned that has begun already');
  }

  private sleep(thread: number, word: Word, status: number, step: number): void {
    if (thread < 0) throw new InvariantError('X1', 'setting up would sleep for ever');
    this.sleepers.sleep(thread, word, status, step);
  }

  private range(
    thread: number,
    step: number,
    kind: AccessKind,
    word: Word,
    count: number,
    b: number,
  ): number {
    const { state } = this;
    this.requireRange(word, count);
    // All is read before the first word is written: the ranges may overlap, as in copyWithin.
    const values = kind === ACCESS.copy ? this.readPlainly(thread, b, count) : null;
    for (let i = 0; i < count; i++) {
      const to = (word + i) as Word;
      if (thread >= 0) {
        state.touch(to);
        state.races.plainWrite(thread, to);
      }
      state.write(to, values === null ? b : (values[i] as number), thread, step);
    }
    return 0;
  }

  private readPlainly(thread: number, from: number, count: number): number[] {
    this.requireRange(from, count);
    return Array.from({ length: count }, (_, i) => {
      if (thread >= 0) {
        this.state.touch(from + i);
        this.state.races.plainRead(thread, (from + i) as Word);
      }
      return this.state.view(from + i);
    });
  }

  private record(thread: number, kind: AccessKind, word: Word, a: number, found: number): void {
    const { races } = this.state;
    this.state.touch(word);
    if (kind === ACCESS.peek) races.plainRead(thread, word);
    else if (kind === ACCESS.poke) races.plainWrite(thread, word);
    else if (kind === ACCESS.glance) races.glance(thread, word);
    else if (kind !== ACCESS.notify) {
      races.atomic(thread, word, effectsOf(kind, a, found), kind === ACCESS.store);
    }
    const isAtGate =
      kind === ACCESS.notify || kind === ACCESS.awaitChange || kind === ACCESS.awaitBriefly;
    const begins = kind === ACCESS.notify && this.sleepers.hasUnborn(word);
    if (isAtGate && (begins || this.sleepers.waitsOrder)) races.pass(thread, word);
  }

  /** Throws `InvariantError` for a word that the memory does not have. */
  requireInside(word: number): void {
    if (Number.isInteger(word) && word >= 0 && word < this.ownWords) return;
    throw new InvariantError('X2', this.outside(word, 1));
  }

  private requireRange(word: number, count: number): void {
    const isWhole = Number.isInteger(word) && Number.isInteger(count);
    if (isWhole && word >= 0 && count >= 0 && word + count <= this.ownWords) return;
    throw new InvariantError('X2', this.outside(word, count));
  }

  private outside(word: number, count: number): string {
    const words = this.ownWords;
    const allowed = `words are whole numbers from 0 to ${words - 1}`;
    if (!Number.isInteger(word)) return `an access of word ${shown(word)}: ${allowed}`;
    if (Number.isInteger(count) && count >= 0) {
      const last = count > 1 ? ` to ${word + count - 1}` : '';
      return `an access of word ${word}${last}, which is outside the memory: ${allowed}`;
    }
    return `an access of ${shown(count)} words from word ${word}: how many is a whole number`;
  }
}

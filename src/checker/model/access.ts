/**
 * Shared accesses as the checker sees them: what a thread is about to do, and which two accesses
 * depend on each other.
 *
 * Only atomic accesses, sleeps and notifications are scheduling points. Two of them are dependent
 * if the order in which they are done can be told: both touch the same word and one writes it, or
 * both touch the same word's list of sleepers. Everything else commutes, and is explored in one
 * order only.
 *
 *   load, glance             reads the word
 *   store, cas, add, …       writes it. A CAS that fails only reads, but whether it fails depends
 *                            on the order, so it counts as what it turned out to be
 *   awaitChange              reads the word and changes its list of sleepers
 *   notify                   changes the list; whom it wakes would perhaps have woken by itself
 *                            for a later change: see explorer.ts
 *   awaitBriefly             awaitChange with a time limit: see sleep.ts
 *   waking by itself         leaves the list: a notify could have woken it in another's place
 *   kill                     ends another thread: depends on all that that does, see deaths.ts
 */
import { InvariantError } from '../../core/base/errors.js';
import type { Word } from '../../core/base/units.js';
import type { Memory } from '../../core/mem/memory.js';

export const ACCESS = {
  load: 0,
  store: 1,
  cas: 2,
  exchange: 3,
  add: 4,
  and: 5,
  or: 6,
  xor: 7,
  awaitChange: 8,
  notify: 9,
  peek: 10,
  poke: 11,
  fill: 12,
  copy: 13,
  awaitBriefly: 14,
  glance: 15,
  kill: 16,
} as const;

export const ACCESS_KINDS: number = Object.keys(ACCESS).length;

export type AccessKind = (typeof ACCESS)[keyof typeof ACCESS];

const NAMES = Object.keys(ACCESS) as readonly (keyof typeof ACCESS)[];

/** One access. `a` and `b` are its arguments: value, or expected and new value, or count. */
export interface Access {
  readonly kind: AccessKind;
  readonly word: Word;
  readonly a: number;
  readonly b: number;
}

/** Effects that decide dependence, as bits. */
export const READS = 1;
export const WRITES = 2;
const SLEEPS = 4;
export const NOTIFIES = 8;
/** Of a waking that nobody's notify is the cause of. */
export const LEAVES = 16;
/** Of a plain write that is a step: nobody but who kills its thread can tell when it is made. */
const WRITES_PLAINLY = 32;

/** Who was asleep first is woken first; that two leave can't be told in which order. */
const ORDERED = SLEEPS | NOTIFIES;

export function accessName(kind: AccessKind): keyof typeof ACCESS {
  return NAMES[kind] as keyof typeof ACCESS;
}

export function isWait(kind: AccessKind): boolean {
  return kind === ACCESS.awaitChange || kind === ACCESS.awaitBriefly;
}

/** Whether an access is no scheduling point. */
export function isPlain(kind: AccessKind): boolean {
  return kind >= ACCESS.peek && kind <= ACCESS.copy;
}

/** What an access does as a step, given what it found. */
export function stepEffects(kind: AccessKind, a: number, found: number): number {
  return isPlain(kind) ? WRITES_PLAINLY : effectsOf(kind, a, found);
}

/** What an access does, given what it found: a CAS that fails writes nothing. */
export function effectsOf(kind: AccessKind, a: number, found: number): number {
  switch (kind) {
    case ACCESS.load:
    case ACCESS.glance:
      return READS;
    case ACCESS.cas:
      return found === a ? READS | WRITES : READS;
    case ACCESS.awaitChange:
    case ACCESS.awaitBriefly:
      return READS | SLEEPS;
    case ACCESS.notify:
      return NOTIFIES;
    default:
      return READS | WRITES;
  }
}

/** What a word holds after an access that may write it, and that found `found` there. */
export function valueAfter(kind: AccessKind, a: number, b: number, found: number): number {
  switch (kind) {
    case ACCESS.cas:
      return found === a ? b : found;
    case ACCESS.add:
      return (found + a) | 0;
    case ACCESS.and:
      return found & a;
    case ACCESS.or:
      return found | a;
    case ACCESS.xor:
      return found ^ a;
    case ACCESS.fill:
      return b;
    default:
      return a;
  }
}

/** What an access that is still to be done might do: a CAS succeeds. */
export function possibleEffects(kind: AccessKind): number {
  return effectsOf(kind, 0, 0);
}

/** The same of one that is a step. */
export function possibleStepEffects(kind: AccessKind): number {
  return stepEffects(kind, 0, 0);
}

/** Whether the order of two accesses, by different threads, can be told. */
export function dependent(
  wordA: number,
  effectsA: number,
  wordB: number,
  effectsB: number,
): boolean {
  if (wordA !== wordB) return false;
  if ((effectsA & ORDERED) !== 0 && (effectsB & ORDERED) !== 0) return true;
  const either = effectsA | effectsB;
  if ((either & WRITES) !== 0 && (effectsA & effectsB & READS) !== 0) return true;
  return (either & LEAVES) !== 0 && (either & NOTIFIES) !== 0;
}

/** Who does the accesses. */
export interface Performer {
  /** Does an access and returns what it found; `a` and `b` are the arguments behind the word. */
  access(kind: AccessKind, word: Word, a: number, b: number): number;
}

/** The seam as the checker has it: every kind of access comes down to one function. */
export class Seam implements Memory {
  readonly maySleep = true;
  private readonly performer: Performer;

  constructor(performer: Performer) {
    this.performer = performer;
  }

  load(word: Word): number {
    return this.performer.access(ACCESS.load, word, 0, 0);
  }

  store(word: Word, value: number): void {
    this.performer.access(ACCESS.store, word, value | 0, 0);
  }

  cas(word: Word, expected: number, value: number): number {
    return this.performer.access(ACCESS.cas, word, expected | 0, value | 0);
  }

  exchange(word: Word, value: number): number {
    return this.performer.access(ACCESS.exchange, word, value | 0, 0);
  }

  add(word: Word, value: number): number {
    return this.performer.access(ACCESS.add, word, value | 0, 0);
  }

  and(word: Word, value: number): number {
    return this.performer.access(ACCESS.and, word, value | 0, 0);
  }

  or(word: Word, value: number): number {
    return this.performer.access(ACCESS.or, word, value | 0, 0);
  }

  xor(word: Word, value: number): number {
    return this.performer.access(ACCESS.xor, word, value | 0, 0);
  }

  glance(word: Word): number {
    return this.performer.access(ACCESS.glance, word, 0, 0);
  }

  peek(word: Word): number {
    return this.performer.access(ACCESS.peek, word, 0, 0);
  }

  poke(word: Word, value: number): void {
    this.performer.access(ACCESS.poke, word, value | 0, 0);
  }

  fill(word: Word, count: number, value: number): void {
    this.performer.access(ACCESS.fill, word, count, value | 0);
  }

  copy(to: Word, from: Word, count: number): void {
    this.performer.access(ACCESS.copy, to, count, from);
  }

  awaitChange(word: Word, seen: number, msMax?: number): boolean {
    this.performer.access(
      msMax === undefined ? ACCESS.awaitChange : ACCESS.awaitBriefly,
      word,
      seen | 0,
      0,
    );
    // No time passes here: a thread may look again, but its time is never up.
    return false;
  }

  awaitChangeAsync(): Promise<void> {
    throw new InvariantError('X1', 'an operation in the checker is a synchronous function');
  }

  notify(word: Word, count: number = Number.MAX_SAFE_INTEGER): void {
    const most = Math.min(Math.max(Math.trunc(count), 0), 2 ** 30);
    this.performer.access(ACCESS.notify, word, most || 0, 0);
  }
}

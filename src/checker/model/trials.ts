/**
 * Trials: whether an operation does the same from two places on, run alone (solo.ts) with the same
 * answers. What differs in any trial is different; what is the same in all may be the same.
 */
import { Prng } from '../../core/base/prng.js';
import { ACCESS, type AccessKind, possibleEffects, valueAfter, WRITES } from './access.js';
import { OPERATION_ACCESSES_MAX } from './faults.js';
import type { Machine } from './machine.js';
import { isSame } from './same.js';
import type { Scenario } from './scenario.js';
import { Solo } from './solo.js';

/** Trials with answers by chance, and accesses of each. */
const CHANCES = 24;
const CHANCE_ACCESSES_MAX = 100;

/** Accesses of the other trials: as many as are followed, for a loop may be bounded by a count. */
const TRIAL_ACCESSES_MAX = OPERATION_ACCESSES_MAX;

/** What each access finds where only that counts what an operation does by itself. */
const CONSTANTS = [0, 1];

/** For how many rounds nothing changes, before something does. */
const STILL_ROUNDS_MAX = 32;

/** Values of a word that are remembered, as answers. */
const VALUES_MAX = 12;

/** Which operation, and what its thread's earlier ones returned. */
export interface Subject {
  readonly thread: number;
  readonly operation: number;
  readonly results: readonly unknown[];
}

/** What an access finds, by how many come before it in the trial; undefined: the trial is over. */
type Answers = (at: number, word: number, kind: AccessKind, a: number) => number | undefined;

export class Trials {
  private readonly solos: readonly Solo[];
  private readonly atStart: readonly number[];
  private readonly values = new Map<number, number[]>();

  /** To be made where nobody has made a step. */
  constructor(scenario: Scenario, { threads, words, state }: Machine) {
    this.solos = Array.from({ length: threads }, (_, at) => new Solo(scenario, at));
    this.atStart = Array.from({ length: words }, (_, at) => state.view(at));
  }

  /** A value was in a word: what further trials may find there. */
  remember(word: number, value: number): void {
    const known = this.values.get(word);
    if (known === undefined) this.values.set(word, [this.atStart[word] as number, value]);
    else if (known.length < VALUES_MAX && !known.includes(value)) known.push(value);
  }

  private valuesOf(word: number): readonly number[] {
    return this.values.get(word) ?? [this.atStart[word] as number];
  }

  /**
   * What an operation does behind some answers where each access finds always the same. It tells
   * most places apart that are different, at little cost: a loop that is bounded by a count.
   */
  signatureOf(subject: Subject, way: readonly number[]): string {
    const solo = this.soloOf(subject);
    return CONSTANTS.map((value) => new Trial(solo, way, () => value).run(subject)).join(';');
  }

  /** Whether all goes the same behind some answers, and behind those and a round more. */
  areSame(subject: Subject, way: readonly number[], further: readonly number[]): boolean {
    const solo = this.soloOf(subject);
    return this.all(subject, way, further).every((answers) => {
      const one = new Trial(solo, further, answers());
      const other = new Trial(solo, way, answers());
      const [was, now] = [one.run(subject), other.run(subject)];
      return was === now && isSame(one.outcome, other.outcome);
    });
  }

  private soloOf({ thread }: Subject): Solo {
    return this.solos[thread] as Solo;
  }

  /**
   * What further accesses may find: anything that was in the word, the same as in the round that
   * led here, that for a while and then each value of its words, always one value, and what is
   * there where nobody else does anything.
   */
  private all(
    subject: Subject,
    way: readonly number[],
    further: readonly number[],
  ): readonly (() => Answers)[] {
    const last = this.lastOf(subject, further);
    const round = further.slice(way.length);
    const roundAt = (at: number): number => round[at % round.length] as number;
    const words = [...last.keys()].slice(-round.length);
    const values = [...new Set(words.flatMap((word) => this.valuesOf(word)))];
    const later = values.flatMap((value) =>
      Array.from({ length: STILL_ROUNDS_MAX }, (_, rounds) => (): Answers => {
        const most = rounds * round.length;
        return (at) => (at < most ? roundAt(at) : value);
      }),
    );
    const byChance = Array.from({ length: CHANCES }, (_, seed) => (): Answers => {
      const prng = new Prng(seed);
      return (at, word, kind, a) =>
        at === CHANCE_ACCESSES_MAX ? undefined : this.anyOf(prng, kind, word, a);
    });
    const again = (): Answers => roundAt;
    const always = [...new Set(round)].map((value) => (): Answers => () => value);
    const still = (): Answers => (_, word) => last.get(word) ?? this.valuesOf(word)[0];
    return [...byChance, again, ...later, ...always, still];
  }

  /** What some answers leave in each word, if nobody else writes; the newest last. */
  private lastOf(subject: Subject, answers: readonly number[]): ReadonlyMap<number, number> {
    const last = new Map<number, number>();
    let at = 0;
    this.soloOf(subject).run(subject.operation, subject.results, (kind, word, a, b) => {
      const found = answers[at++];
      if (found === undefined) return null;
      const isWrite = (possibleEffects(kind) & WRITES) !== 0 && kind !== ACCESS.peek;
      last.delete(word);
      last.set(word, isWrite ? valueAfter(kind, a, b, found) : found);
      return found;
    });
    return last;
  }

  private anyOf(prng: Prng, kind: AccessKind, word: number, a: number): number | undefined {
    const isCompared = kind === ACCESS.cas || kind === ACCESS.awaitChange;
    const values = this.valuesOf(word);
    return values[prng.below(values.length + (isCompared ? 1 : 0))] ?? a;
  }
}

/** An operation that is run on from behind some answers, alone. */
class Trial {
  /** What it returned, or how else it went. */
  outcome: unknown = null;
  private readonly solo: Solo;
  private readonly known: readonly number[];
  private readonly answers: Answers;
  private position = 0;
  /** How many accesses it made behind those that are known, and a sum of what they were. */
  private did = 0;
  private sum = 0;

  constructor(solo: Solo, known: readonly number[], answers: Answers) {
    this.solo = solo;
    this.known = known;
    this.answers = answers;
  }

  /** What it did behind the answers that are known, as a text. */
  run({ operation, results }: Subject): string {
    const outcome = this.solo.run(operation, results, (kind, word, a, b) =>
      this.answer(kind, word, a, b),
    );
    this.outcome =
      outcome.kind === 'threw' ? [outcome.kind, String(outcome.error)] : Object.values(outcome);
    return `${this.did} ${this.sum}`;
  }

  private answer(kind: AccessKind, word: number, a: number, b: number): number | null {
    const at = this.position++ - this.known.length;
    if (at < 0) return this.known[at + this.known.length] as number;
    if (at === TRIAL_ACCESSES_MAX) return null;
    this.did++;
    for (const each of [kind, word, a, b]) this.sum = (Math.imul(this.sum, 31) + each) | 0;
    return this.answers(at, word, kind, a) ?? null;
  }
}

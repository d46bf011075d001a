/**
 * Where a thread is in its operation, as a number: two logs with the same number lead to the same
 * steps, whatever is found in them.
 *
 * Nobody can look into the variables of a function that runs. But by X2 what it does next follows
 * from what it has found so far, so its local states are a tree: from the operation's beginning,
 * one branch for each value found. In a loop that tree has no end. A lock's third attempt is at
 * another place in it than the first, though the thread does the same from there.
 *
 * So a new place is tried against those on the way to it that are about to make the same access:
 * from both the operation is run on, with the same answers, many times (solo.ts). If nothing
 * that it does differs, the new place is taken to be the old one, and the loop is closed. That is
 * an assumption, not a proof: a loop might count its passes, and tell only where no trial
 * looked. Two things find it out. A thread that is taken to be at a place and does another thing
 * than was done from there before shows that the two are different, and they are told apart from
 * then on. And executions that close no loop are run when all is over: see search.ts.
 */
import { Prng } from '../../core/base/prng.js';
import {
  ACCESS,
  type Access,
  type AccessKind,
  possibleEffects,
  valueAfter,
  WRITES,
} from './access.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import { isData, isSame } from './same.js';
import type { Scenario } from './scenario.js';
import { Solo } from './solo.js';
import { FIELD, STATUS } from './state.js';

/** Trials with answers by chance, and accesses of each. */
const CHANCES = 24;
const CHANCE_ACCESSES_MAX = 100;

/** Accesses of the other trials: a loop may be bounded by a count. */
const TRIAL_ACCESSES_MAX = 1_000;

/** Values of a word that are remembered, as answers of trials. */
const VALUES_MAX = 8;

/** A place in an operation: about to make an access. */
interface Place {
  readonly id: number;
  readonly thread: number;
  readonly operation: number;
  readonly results: readonly unknown[];
  readonly access: Access;
  readonly parent: Place | null;
  /** What the parent's access found on the way here. */
  readonly found: number;
  readonly next: Map<number, Place>;
}

export class LocalStates {
  private readonly machine: Machine;
  private readonly solos: readonly Solo[];
  private readonly beginnings = new Map<string, Place>();
  private readonly places: Place[] = [];
  /** For each thread and operation, what it was seen to return. */
  private readonly returned = new Map<string, unknown[]>();
  private readonly values = new Map<number, number[]>();
  /** Pairs of places that were found out to be different. */
  private readonly different = new Set<string>();
  /** Whether two places were found out to be different since this was last set. */
  mustBeginAnew = false;

  constructor(scenario: Scenario, machine: Machine) {
    this.machine = machine;
    this.solos = Array.from({ length: machine.threads }, (_, at) => new Solo(scenario, at));
  }

  /** Forgets all but which places are different. */
  restart(): void {
    this.mustBeginAnew = false;
    this.beginnings.clear();
    this.places.length = 0;
    for (let thread = 0; thread < this.machine.threads; thread++) {
      (this.machine.logs[thread] as Log).forgetPlaces();
    }
  }

  /** The number of the place where a thread is, that has not ended. */
  of(thread: number): number {
    const { state, logs, sleepers } = this.machine;
    const log = logs[thread] as Log;
    const begin = state.getField(thread, FIELD.BEGIN);
    const status = sleepers.status(thread);
    const isInWait = status === STATUS.asleep || status === STATUS.dozing;
    const last = state.getField(thread, FIELD.END) - (isInWait ? 1 : 0);
    let row = last;
    while (row > begin && log.place(row) < 0) row--;
    if (row === begin) log.setPlace(begin, this.beginning(thread, log.access(begin)).id);
    for (; row < last; row++) {
      const place = this.places[log.place(row)] as Place;
      const next = this.after(place, log.found(row), log.access(row + 1));
      log.setPlace(row + 1, next.id);
    }
    return log.place(last);
  }

  /** What operations returned that the thread has ended, as a number. */
  resultsOf(thread: number): string {
    return this.machine
      .resultsOf(thread)
      .map((result, operation) => this.numberOf(`${thread}.${operation}`, result))
      .join();
  }

  private numberOf(key: string, result: unknown): number {
    if (result === undefined) return -1;
    const known = this.returned.get(key) ?? [];
    if (known.length === 0) this.returned.set(key, known);
    const same = isData(result) ? isSame : Object.is;
    const at = known.findIndex((each) => same(each, result));
    return at >= 0 ? at : known.push(result) - 1;
  }

  private beginning(thread: number, access: Access): Place {
    const operation = this.machine.operationOf(thread);
    const key = `${thread}.${operation}.${this.resultsOf(thread)}`;
    const known = this.beginnings.get(key);
    if (known !== undefined) return known;
    const results = this.machine.resultsOf(thread);
    const place = this.make({ thread, operation, results, access, parent: null, found: 0 });
    this.beginnings.set(key, place);
    return place;
  }

  private make(place: Omit<Place, 'id' | 'next'>): Place {
    const made = { ...place, id: this.places.length, next: new Map<number, Place>() };
    this.places.push(made);
    return made;
  }

  /** The place behind one, by what its access found. */
  private after(place: Place, found: number, access: Access): Place {
    const known = place.next.get(found);
    if (known !== undefined) {
      if (isAccess(known.access, access)) return known;
      this.tellApart(place, found);
    }
    this.remember(place.access.word, found);
    const { thread, operation, results } = place;
    const made = { thread, operation, results, access, parent: place, found };
    const next = this.sameOnTheWay(place, found, access) ?? this.make(made);
    place.next.set(found, next);
    return next;
  }

  /** Somewhere on the way to here two places were taken for one. */
  private tellApart(place: Place, found: number): void {
    this.mustBeginAnew = true;
    place.next.delete(found);
    for (let at: Place | null = place; at !== null; at = at.parent) {
      for (const [by, next] of at.next)
        if (next.id <= at.id) this.different.add(pairOf(at, by, next));
    }
  }

  private sameOnTheWay(place: Place, found: number, access: Access): Place | null {
    for (let at: Place | null = place; at !== null; at = at.parent) {
      if (!isAccess(at.access, access)) continue;
      if (this.different.has(pairOf(place, found, at))) continue;
      if (this.doesSame(at, [...wayTo(place), found])) return at;
    }
    return null;
  }

  /** Whether from a place and from behind some answers, which lead by it, all goes the same. */
  private doesSame(place: Place, answers: readonly number[]): boolean {
    const way = wayTo(place);
    return this.trials(place, way, answers).every((answer) => {
      const one = new Trial(this.soloOf(place.thread), answers, answer());
      const other = new Trial(this.soloOf(place.thread), way, answer());
      const [was, now] = [one.run(place), other.run(place)];
      return was === now && isSame(one.outcome, other.outcome);
    });
  }

  /**
   * What further accesses may find: what is there where nobody else does anything, the same as in
   * the round that led here, always one value, and anything that was found in the word.
   */
  private trials(
    place: Place,
    way: readonly number[],
    answers: readonly number[],
  ): readonly (() => Answers)[] {
    const last = this.lastOf(place, answers);
    const round = answers.slice(way.length);
    const still = (): Answers => (_, word) => last.get(word) ?? this.valuesOf(word)[0];
    const again = (): Answers => (at) => round[at % round.length];
    const always = [...new Set(round)].map((value) => (): Answers => () => value);
    const byChance = Array.from({ length: CHANCES }, (_, seed) => (): Answers => {
      const prng = new Prng(seed);
      return (at, word, kind, a) =>
        at === CHANCE_ACCESSES_MAX ? undefined : this.anyOf(prng, kind, word, a);
    });
    return [still, again, ...always, ...byChance];
  }

  /** What some answers leave in each word, if nobody else writes. */
  private lastOf({ thread, operation, results }: Place, answers: readonly number[]): Values {
    const last = new Map<number, number>();
    let at = 0;
    this.soloOf(thread).run(operation, results, (kind, word, a, b) => {
      const found = answers[at++];
      if (found === undefined) return null;
      const isWrite = (possibleEffects(kind) & WRITES) !== 0 && kind !== ACCESS.peek;
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

  private soloOf(thread: number): Solo {
    return this.solos[thread] as Solo;
  }

  private remember(word: number, value: number): void {
    const known = this.values.get(word);
    if (known === undefined) this.values.set(word, [value]);
    else if (known.length < VALUES_MAX && !known.includes(value)) known.push(value);
  }

  /** Values that were found in a word, and what is there from the start. */
  private valuesOf(word: number): readonly number[] {
    return this.values.get(word) ?? [this.machine.state.view(word)];
  }
}

type Values = ReadonlyMap<number, number>;

/** What an access finds, by how many come before it in the trial; undefined: the trial is over. */
type Answers = (at: number, word: number, kind: AccessKind, a: number) => number | undefined;

/** An operation that is run on from behind some answers, alone. */
class Trial {
  /** What it returned, or how else it went. */
  outcome: unknown = null;
  private readonly solo: Solo;
  private readonly known: readonly number[];
  private readonly answers: Answers;
  private position = 0;
  private readonly did: number[] = [];

  constructor(solo: Solo, known: readonly number[], answers: Answers) {
    this.solo = solo;
    this.known = known;
    this.answers = answers;
  }

  /** What it did behind the answers that are known, as a text. */
  run({ operation, results }: Place): string {
    const outcome = this.solo.run(operation, results, (kind, word, a, b) =>
      this.answer(kind, word, a, b),
    );
    this.outcome =
      outcome.kind === 'threw' ? [outcome.kind, String(outcome.error)] : Object.values(outcome);
    return this.did.join();
  }

  private answer(kind: AccessKind, word: number, a: number, b: number): number | null {
    const at = this.position++ - this.known.length;
    if (at < 0) return this.known[at + this.known.length] as number;
    if (at === TRIAL_ACCESSES_MAX) return null;
    this.did.push(kind, word, a, b);
    return this.answers(at, word, kind, a) ?? null;
  }
}

function wayTo(place: Place): number[] {
  const way: number[] = [];
  for (let at = place; at.parent !== null; at = at.parent) way.push(at.found);
  return way.reverse();
}

function pairOf(place: Place, found: number, other: Place): string {
  const { thread, operation } = place;
  return `${thread}.${operation}:${wayTo(place).join()},${found}=${wayTo(other).join()}`;
}

function isAccess(one: Access, two: Access): boolean {
  return one.kind === two.kind && one.word === two.word && one.a === two.a && one.b === two.b;
}

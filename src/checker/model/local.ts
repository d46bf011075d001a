/**
 * Where a thread is in its operation, as a number: two logs with the same number lead to the same
 * steps, whatever is found in them.
 *
 * Nobody can look into the variables of a function that runs. But by X2 what it does next follows
 * from what it has found so far, so its local states are a tree: from the operation's beginning,
 * one branch for each value found. In a loop that tree has no end. A lock's third attempt is at
 * another place in it than the first, though the thread does the same from there.
 *
 * So a new place is tried against those on the way to it that are about to make the same access
 * (trials.ts). If nothing that the operation does from there differs, the new place is taken to be
 * the old one, and the loop is closed. That is an assumption, not a proof: a loop might count its
 * rounds, and tell only where no trial looked. Three things find it out. All loops are tried again
 * when all is over, with the values that are known by then. A thread that does something else at a
 * place than was done there before shows that there are two. And executions are drawn and run, of
 * which each state must have been met (search.ts). What is no longer one place is told apart from
 * then on, and all begins anew.
 */
import type { Access } from './access.js';
import type { Log } from './log.js';
import type { Machine } from './machine.js';
import { isData, isSame } from './same.js';
import type { Scenario } from './scenario.js';
import { FIELD, STATUS } from './state.js';
import { type Subject, Trials } from './trials.js';

/** Places with the same access that a new one is tried against: those nearest on the way to it. */
const CANDIDATES_MAX = 12;

/** A place in an operation: about to make an access. */
interface Place extends Subject {
  readonly id: number;
  /** What it does by itself: see `Trials.signatureOf`. Null: nobody has asked. */
  signature: string | null;
  readonly access: Access;
  readonly parent: Place | null;
  /** What the parent's access found on the way here. */
  readonly found: number;
  readonly next: Map<number, Place>;
}

export class LocalStates {
  private readonly machine: Machine;
  private readonly trials: Trials;
  private readonly beginnings = new Map<string, Place>();
  private readonly places: Place[] = [];
  /** Loops that were closed: behind what is found at a place it is the same as at another. */
  private readonly closed: { place: Place; found: number; same: Place }[] = [];
  /** Whether an operation returned something that is compared with nothing else. */
  hasOpaque = false;
  /** For each thread and operation, what it was seen to return. */
  private readonly returned = new Map<string, unknown[]>();
  /** Pairs of places that were found out to be different. */
  private readonly different = new Set<string>();
  /** Whether two places were found out to be different since this was last set. */
  mustBeginAnew = false;

  /** To be made where nobody has made a step. */
  constructor(scenario: Scenario, machine: Machine) {
    this.machine = machine;
    this.trials = new Trials(scenario, machine);
  }

  /** Forgets all but which places are different. */
  restart(): void {
    this.mustBeginAnew = false;
    this.beginnings.clear();
    this.places.length = 0;
    this.closed.length = 0;
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
    this.hasOpaque ||= same !== isSame;
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

  private make(place: Omit<Place, 'id' | 'next' | 'signature'>): Place {
    const next = new Map<number, Place>();
    const made: Place = { ...place, signature: null, id: this.places.length, next };
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
    const way = [...wayTo(place), found];
    let signature: string | null = null;
    let candidates = 0;
    for (let at: Place | null = place; at !== null; at = at.parent) {
      if (!isAccess(at.access, access)) continue;
      if (++candidates > CANDIDATES_MAX) return null;
      if (this.different.has(pairOf(place, found, at))) continue;
      signature ??= this.trials.signatureOf(place, way);
      at.signature ??= this.trials.signatureOf(at, wayTo(at));
      if (at.signature !== signature) continue;
      if (!this.trials.areSame(at, wayTo(at), way)) continue;
      this.closed.push({ place, found, same: at });
      return at;
    }
    return null;
  }

  /**
   * Tries all loops once more that were closed: by now more is known of what can be found in words.
   * False: some are none, and all must begin anew.
   */
  areClosed(): boolean {
    for (const { place, found, same } of this.closed) {
      if (this.trials.areSame(same, wayTo(same), [...wayTo(place), found])) continue;
      this.different.add(pairOf(place, found, same));
      this.mustBeginAnew = true;
    }
    return !this.mustBeginAnew;
  }

  /** A value was in a word: what trials may find there. */
  remember(word: number, value: number): void {
    this.trials.remember(word, value);
  }

  /** Whether any two places were taken for one. */
  get assumesAny(): boolean {
    return this.closed.length > 0;
  }

  /** Tells apart whatever was taken for one on the way of the threads to where they are. */
  tellAllApart(): void {
    for (let thread = 0; thread < this.machine.threads; thread++) {
      const { state } = this.machine;
      const log = this.machine.logs[thread] as Log;
      const begin = state.getField(thread, FIELD.BEGIN);
      for (let row = begin; row < state.getField(thread, FIELD.END); row++) {
        const place = this.places[log.place(row)];
        const next = place?.next.get(log.found(row));
        if (place === undefined || next === undefined || next.id > place.id) continue;
        this.different.add(pairOf(place, log.found(row), next));
        this.mustBeginAnew = true;
      }
    }
  }
}

function wayTo(place: Pick<Place, 'parent' | 'found'>): number[] {
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

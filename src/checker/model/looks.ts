/**
 * Looks from outside: what `onReturn` and `always` read of the memory, and the ghost words, which
 * no operation sees. No thread accesses anything by them, but whoever looks can tell in which order
 * the steps were made, so the reduction has to know.
 *
 * `onReturn` runs in the step that made its operation return, and its looks belong to that step:
 * beside the one access of its own a step then has a list of others, and two steps are dependent if
 * any two of these are. A step's plain writes are in that list only where somebody looks at their
 * words: among threads plain accesses can't be told from another order (race.ts).
 *
 * What `always` reads are its words. All steps that write one of them depend on each other: so the
 * executions that are explored have all sequences of values that these words can have, and
 * `always`, asked after each step of them, is asked about every state that it can tell from others.
 *
 * What a step looks at and writes beside its own access may depend on what that found: its
 * operation returns there, or goes on. But whether two steps depend on each other must not change
 * with a third that depends on one of them only. So of a step counts whatever the same access of
 * the same operation has ever looked at or written.
 *
 * All this is learnt as it is seen. Steps that were made before did not know, so whoever reduces
 * begins anew then: `isComplete`.
 */
import { InvariantError } from '../../core/base/errors.js';
import {
  ACCESS,
  type AccessKind,
  accessName,
  dependent,
  isPlain,
  READS,
  WRITES,
} from './access.js';

/** Called when an operation has returned, once: the place to keep ghosts and to check results. */
export type OnReturn = (thread: number, operation: number, result: unknown) => void;

/** Asked after each step: says what is wrong, or null. */
export type Always = () => unknown;

/** Who is asked meanwhile. */
export interface Lookers {
  readonly onReturn?: OnReturn | undefined;
  readonly always?: Always | undefined;
}

/** Who looks: a word's watchers, as bits. */
export const LOOKER = { onReturn: 1, always: 2 } as const;

export type Looker = keyof typeof LOOKER;

/** Pairs, in a row: a word, and the effects that a step has on it. */
export type Footprint = readonly number[];

/** What a step did, for whoever asks what depends on it. */
interface Done {
  readonly word: number;
  readonly effects: number;
  readonly looks: Footprint | null;
}

/** Whether one of some looks depends on what a step did. */
export function looksDependOn(looks: Footprint, { word, effects, looks: others }: Done): boolean {
  for (let at = 0; at < looks.length; at += 2) {
    const [key, effect] = [looks[at] as number, looks[at + 1] as number];
    if (dependent(key, effect, word, effects)) return true;
    for (let other = 0; others !== null && other < others.length; other += 2) {
      const [theirs, effectOfIt] = [others[other] as number, others[other + 1] as number];
      if (dependent(key, effect, theirs, effectOfIt)) return true;
    }
  }
  return false;
}

function has(looks: Footprint, word: number, effects: number): boolean {
  for (let at = 0; at < looks.length; at += 2) {
    if (looks[at] === word && looks[at + 1] === effects) return true;
  }
  return false;
}

export class Looks {
  /** Who looks, now; null: nobody, or setting up or judging the end, which belong to no step. */
  looker: Looker | null = null;
  /** Whether no word was looked at for the first time since this was set. */
  isComplete = true;
  private readonly words: number;
  private readonly ghostWords: number;
  /** Of each word, ghost words behind those of the memory: who looks at it. */
  private readonly watchers: Uint8Array;
  /** Whether anybody looks at anything: else no step has to note what it writes. */
  isWatching = false;
  /** Of the step that is being made. */
  private noted: number[] = [];
  /** Of each access of each operation that was made: what was noted in it, ever. */
  private readonly known = new Map<number, number[]>();

  constructor(words: number, ghostWords: number) {
    this.words = words;
    this.ghostWords = ghostWords;
    this.watchers = new Uint8Array(words + ghostWords);
  }

  /** A step begins. */
  begin(): void {
    if (this.noted.length > 0) this.noted = [];
  }

  /** Whether anything was looked at or noted from outside. */
  get isActive(): boolean {
    return this.isWatching || this.known.size > 0;
  }

  /** Somebody looks at a word of the memory. Throws `InvariantError` for all but a look. */
  look(kind: AccessKind, word: number): void {
    if (kind !== ACCESS.load && kind !== ACCESS.glance && kind !== ACCESS.peek) {
      const does = `${this.looker} does ${accessName(kind)} of word ${word}`;
      const instead = 'make that an operation of a thread, or note it in a ghost word';
      throw new InvariantError('X5', `${does}: it may only look at the memory; ${instead}`);
    }
    this.read(word);
  }

  /** Somebody reads a ghost word. */
  readGhost(index: number): void {
    this.read(this.words + index);
  }

  /** `onReturn` notes something in a ghost word. */
  writeGhost(index: number): void {
    if (this.looker === 'always') throw new InvariantError('X5', 'always notes a ghost word');
    if (this.looker !== null) this.note(this.words + index);
  }

  private read(place: number): void {
    if (this.looker === null) return;
    const watcher = LOOKER[this.looker];
    if (((this.watchers[place] as number) & watcher) === 0) {
      this.watchers[place] = (this.watchers[place] as number) | watcher;
      this.isComplete = false;
      this.isWatching = true;
    }
    if (watcher === LOOKER.onReturn) this.noted.push(place, READS);
  }

  /** An operation writes words plainly. */
  wrotePlainly(kind: AccessKind, word: number, count: number): void {
    if (!isPlain(kind) || kind === ACCESS.peek) return;
    for (let at = word; at < word + count; at++) if (this.watchers[at] !== 0) this.note(at);
  }

  private note(place: number): void {
    this.noted.push(place, READS | WRITES);
    this.noteChange(place);
  }

  /** The words of `always` are one to the steps that write them. */
  private noteChange(place: number): void {
    if (((this.watchers[place] as number) & LOOKER.always) === 0) return;
    this.noted.push(this.words + this.ghostWords, READS | WRITES);
  }

  /**
   * What steps like the one that was made do beside their own access; null: nothing. `place` says
   * which access of which operation it was.
   */
  take(place: number, word: number, effects: number): Footprint | null {
    if ((effects & WRITES) !== 0 && this.isWatching) this.noteChange(word);
    const { noted, known } = this;
    if (noted.length === 0 && !this.isActive) return null;
    if (noted.length > 0) this.noted = [];
    const before = known.get(place);
    if (before === undefined) {
      // Where anything is noted for the first time, steps were made of which nothing is known.
      if (known.size === 0) this.isComplete = false;
      known.set(place, noted);
    } else this.addTo(before, noted);
    const all = before ?? noted;
    return all.length === 0 ? null : all;
  }

  private addTo(known: number[], noted: Footprint): void {
    for (let at = 0; at < noted.length; at += 2) {
      const [word, effects] = [noted[at] as number, noted[at + 1] as number];
      if (has(known, word, effects)) continue;
      known.push(word, effects);
      this.isComplete = false;
    }
  }
}

/**
 * The error classes, one for each audience.
 *
 * What may happen in correct use (no page left inside the core) is a value, `null`, not an error.
 * Everything here carries its facts as fields beside the sentence, so that a program need not
 * parse the message. Each has a `code`, a short name that stays the same: docs/errors.md lists all.
 */

import { type Blocker, blockerText, type StallCause } from './blocker.js';

/** The caller broke the contract. Thrown before anything is changed: the heap is as it was. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
  /** Short, stable name of the misuse, for example `double-free`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * A debug heap found a word of free memory that somebody wrote (U1). Nothing of the heap is broken,
 * and the word is as it must be again. `code` is `write-after-free`.
 */
export class WriteAfterFreeError extends UsageError {
  override readonly name: string = 'WriteAfterFreeError';
  /** Address of the block that the word is in. */
  readonly table: number;
  /** Offset of the word in the block. */
  readonly word: number;
  /** What it held. */
  readonly found: number;
  /** Number of the thread that freed the block; null: it was never handed out. */
  readonly freedBy: number | null;

  constructor(message: string, table: number, word: number, found: number, freedBy: number | null) {
    super('write-after-free', message);
    this.table = table;
    this.word = word;
    this.found = found;
    this.freedBy = freedBy;
  }
}

/** We broke a rule of our own. The heap is not to be trusted; whoever waits on it throws too. */
export class InvariantError extends Error {
  override readonly name: string = 'InvariantError';
  readonly code = 'broken-rule';
  /** The rule, by its number in docs/requirements.md, for example `P4`. */
  readonly rule: string;
  /** What was found, without the rule. */
  readonly found: string;
  /** The word in question, where it is one; null: none. */
  readonly word: number | null;

  constructor(rule: string, found: string, word: number | null = null) {
    super(`${rule} does not hold: ${found}`);
    this.rule = rule;
    this.found = found;
    this.word = word;
  }
}

/** Why nothing was left, as far as it can be seen without a lock. */
export interface Shortage {
  /** How many are in use: pages with a live table, or live mms. */
  readonly live: number;
  /** How many wait for a grace period: pages with a freed table, or mms that were destroyed. */
  readonly pending: number;
  /** Who holds up the grace period; null where nobody can be named. */
  readonly blocker: Blocker | null;
  /** Whether the caller was inside a read section, where nobody can wait for a grace period. */
  readonly isReading: boolean;
}

/** What to do about a shortage: `more` is how to have more of it. */
function adviceFor({ pending, blocker, isReading }: Shortage, more: string): string {
  if (pending === 0) return `free some, or ${more}`;
  if (isReading) {
    return 'this thread is inside a read section, where nobody can wait: leave it, and try again';
  }
  const by = blocker === null ? '' : `${blockerText(blocker)} and holds it up: `;
  const how = 'waitMs or synchronize, or their Async twins where a thread may not block';
  return `${by}wait for it (${how}), and try again`;
}

/** Pages that are free where a table takes `needed` pages, and finds not so many in a row. */
export interface Scattered {
  readonly free: number;
  readonly needed: number;
}

/**
 * No page is left. Nothing was changed. With `pending` above 0 the call succeeds once pages came
 * back; without, all are in use, or those that are free are not `contiguous`.
 */
export class OutOfPagesError extends Error {
  override readonly name: string = 'OutOfPagesError';
  readonly code = 'out-of-pages';
  /** Pages that the heap can hand out, free ones included. */
  readonly pagesLimit: number;
  /** Pages with a live table. */
  readonly live: number;
  /** Pages with a freed table that waits for a grace period; some have live ones, too. */
  readonly pending: number;
  /** How many pages in a row were needed, where single ones are free; else 1. */
  readonly contiguous: number;
  readonly blocker: Blocker | null;

  constructor(
    what: string,
    pagesLimit: number,
    shortage: Shortage,
    scattered: Scattered | null = null,
  ) {
    const { live, pending, blocker } = shortage;
    const advice = adviceFor(shortage, 'grow the heap, or make it larger');
    const found =
      pending === 0
        ? `${live} of ${pagesLimit} pages have live tables, and none waits for a grace period`
        : `of ${pagesLimit} pages ${live} have live tables, and ${pending} have freed ones that ` +
          'wait for a grace period';
    super(`no ${missing(what, scattered)}${found}; ${advice}`);
    this.contiguous = scattered?.needed ?? 1;
    this.pagesLimit = pagesLimit;
    this.live = live;
    this.pending = pending;
    this.blocker = blocker;
  }
}

function missing(what: string, scattered: Scattered | null): string {
  if (scattered === null) return `page left for ${what}: `;
  const { free, needed } = scattered;
  const place = `no ${needed} in a row from a multiple of ${needed} on`;
  return `${needed} contiguous pages left for ${what}: ${free} are free, but ${place}; `;
}

/** A limit that was chosen when the heap was created is reached. */
export class LimitError extends Error {
  override readonly name: string = 'LimitError';
  readonly code = 'limit';
  /** The option of `createHeap` that sets it, for example `threadsMax`. */
  readonly limit: string;
  readonly max: number;
  /** How many there are, and how many wait for a grace period; null where nothing can. */
  readonly live: number | null;
  readonly pending: number | null;
  readonly blocker: Blocker | null;

  constructor(limit: string, max: number, message: string, shortage: Shortage | null = null) {
    const set = `(limit ${limit} = ${max}, set when the heap was created)`;
    super(shortage === null ? `${message} ${set}` : `${message} ${set}: ${foundOf(shortage)}`);
    this.limit = limit;
    this.max = max;
    this.live = shortage?.live ?? null;
    this.pending = shortage?.pending ?? null;
    this.blocker = shortage?.blocker ?? null;
  }
}

function foundOf(shortage: Shortage): string {
  const { live, pending } = shortage;
  const advice = adviceFor(shortage, 'make a heap with a higher limit');
  return `${live} are live, ${pending} wait for a grace period; ${advice}`;
}

/** Somebody holds up this thread for longer than it wants to wait: it may wait again. */
export class StallError extends Error {
  override readonly name: string = 'StallError';
  readonly code = 'stalled';
  readonly waitsFor: StallCause;
  /** Number of the thread that is waited for, and its name; null where none can be told. */
  readonly thread: number | null;
  readonly threadName: string | null;
  readonly forMs: number;
  /** What the operation had done already, and how to go on; null: nothing has changed. */
  readonly unfinished: string | null;
  /** All that is known of who is waited for. */
  readonly blocker: Blocker;
  /** What it was doing: `barrier`, or `protect: waiting for a lock`. */
  readonly what: string;

  constructor(what: string, blocker: Blocker, forMs: number, unfinished: string | null = null) {
    const rest = unfinished === null ? '' : `; ${unfinished}`;
    super(`${what}: no end after ${Math.round(forMs)} ms, ${blockerText(blocker)}${rest}`);
    this.waitsFor = blocker.cause;
    this.thread = blocker.thread;
    this.threadName = blocker.name;
    this.forMs = forMs;
    this.unfinished = unfinished;
    this.blocker = blocker;
    this.what = what;
  }

  /** The same, of an operation that waits as a part of what it does. */
  during(operation: string): StallError {
    if (this.what.startsWith(`${operation}:`)) return this;
    return new StallError(`${operation}: ${this.what}`, this.blocker, this.forMs, this.unfinished);
  }

  /** The same, of work that had got so far. */
  leaving(unfinished: string): StallError {
    const all = this.unfinished === null ? unfinished : `${this.unfinished}; ${unfinished}`;
    return new StallError(this.what, this.blocker, this.forMs, all);
  }
}

/** This machine, page or process can't run it; the message says what is missing. */
export class UnsupportedError extends Error {
  override readonly name: string = 'UnsupportedError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Where an input file is wrong. Line 0: the file as a whole. */
export interface InputPlace {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly expected: string;
}

/** An input file is refused. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  readonly code: string;
  readonly file: string;
  readonly line: number;
  /** What would have been right at that place. */
  readonly expected: string;

  constructor(message: string, place: InputPlace) {
    super(message);
    this.code = place.code;
    this.file = place.file;
    this.line = place.line;
    this.expected = place.expected;
  }
}

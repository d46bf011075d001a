/**
 * The error classes, one for each audience.
 *
 * What may happen in correct use (no page left inside the core) is a value, `null`, not an error.
 * Everything here carries its facts as fields beside the sentence, so that a program need not
 * parse the message.
 */

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

/** We broke a rule of our own. The heap is not to be trusted; whoever waits on it throws too. */
export class InvariantError extends Error {
  override readonly name: string = 'InvariantError';
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

/** No page is left. Nothing was changed; the call succeeds once pending frees have ripened. */
export class OutOfPagesError extends Error {
  override readonly name: string = 'OutOfPagesError';
  readonly code = 'out-of-pages';
  readonly pagesLimit: number;

  constructor(what: string, pagesLimit: number) {
    super(
      `no page left for ${what}: all ${pagesLimit} pages are in use or wait for a grace period; ` +
        'poll and try again, free something, or grow the heap',
    );
    this.pagesLimit = pagesLimit;
  }
}

/** A limit that was chosen when the heap was created is reached. */
export class LimitError extends Error {
  override readonly name: string = 'LimitError';
  /** The option of `createHeap` that sets it, for example `threadsMax`. */
  readonly limit: string;
  readonly max: number;

  constructor(limit: string, max: number, message: string) {
    super(`${message} (limit ${limit} = ${max}, set when the heap was created)`);
    this.limit = limit;
    this.max = max;
  }
}

/** A reader holds up a grace period for longer than the caller wants to wait: it may wait again. */
export class StallError extends Error {
  override readonly name: string = 'StallError';
  readonly code = 'stalled';
  /** Number of the thread inside the section; null where callbacks, not a reader, take too long. */
  readonly thread: number | null;
  readonly forMs: number;

  constructor(what: string, thread: number | null, forMs: number) {
    const who =
      thread === null ? 'callbacks still run' : `thread ${thread} is inside a read section`;
    super(`${what}: no end after ${Math.round(forMs)} ms, ${who}`);
    this.thread = thread;
    this.forMs = forMs;
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

/**
 * What went wrong, as plain data: it crosses from the worker to the main thread as it is, decides
 * the exit code, and becomes the `error` of a JSON document or a line for the person at the
 * terminal.
 */
import { InputError } from '../../core/base/errors.js';

export type Verdict = 'holds' | 'violated' | 'inconclusive' | 'interrupted';

export interface CommandFailure {
  /** The error's class, by name. */
  readonly name: string;
  /** Short and stable, for example `not-found`. */
  readonly code: string;
  readonly message: string;
  /** Where an input file is wrong; line 0 is the file as a whole. */
  readonly file: string | null;
  readonly line: number | null;
  readonly expected: string | null;
  /** The rule that was broken, where one was. */
  readonly rule: string | null;
  readonly stack: string | null;
}

/** A failure on its way up to the one place that reports it. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly failure: CommandFailure;

  constructor(failure: CommandFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export const EXIT = {
  holds: 0,
  violated: 1,
  usage: 2,
  inconclusive: 3,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BLANK: CommandFailure = Object.freeze({
  name: 'Error',
  code: 'internal',
  message: '',
  file: null,
  line: null,
  expected: null,
  rule: null,
  stack: null,
});

/** What each class of error means to a caller. A class that isn't here is a mistake of ours. */
const EXIT_OF: Readonly<Record<string, ExitCode>> = Object.freeze({
  InputError: EXIT.usage,
  UsageError: EXIT.usage,
  UnsupportedError: EXIT.usage,
  // A bound that was given or chosen is reached: nothing is said about the rules.
  LimitError: EXIT.inconclusive,
  OutOfPagesError: EXIT.inconclusive,
  StallError: EXIT.inconclusive,
  Interrupted: EXIT.interrupted,
});

export function exitCodeOf(failure: CommandFailure): ExitCode {
  return EXIT_OF[failure.name] ?? EXIT.violated;
}

/** True for what only we can have got wrong: then the stack is of use. */
export function isOurs(failure: CommandFailure): boolean {
  return EXIT_OF[failure.name] === undefined && failure.rule === null;
}

/** The verdict of a document that ends with this exit code. */
export function verdictOf(exitCode: ExitCode): Verdict {
  if (exitCode === EXIT.holds) return 'holds';
  if (exitCode === EXIT.violated) return 'violated';
  return exitCode === EXIT.interrupted ? 'interrupted' : 'inconclusive';
}

/** Classes without a code of their own. */
const LIMIT_CODES: Readonly<Record<string, string>> = Object.freeze({ LimitError: 'limit' });

/** Takes apart whatever was thrown. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandError) return error.failure;
  if (!(error instanceof Error)) return { ...BLANK, message: String(error) };
  const { name, message, stack = null } = error;
  const { code = 'internal', rule = null } = error as { code?: unknown; rule?: unknown };
  const place = error instanceof InputError ? error : { file: null, line: null, expected: null };
  return {
    name,
    code: String(rule === null ? (LIMIT_CODES[name] ?? code) : 'rule-violated'),
    message,
    file: place.file,
    line: place.line,
    expected: place.expected,
    rule: rule === null ? null : String(rule),
    stack,
  };
}

/** A command line that can't be. */
export function misuse(code: string, message: string): CommandFailure {
  return { ...BLANK, name: 'UsageError', code, message };
}

/** The interruption that a signal is. */
export function interruption(signal: string): CommandFailure {
  return { ...BLANK, name: 'Interrupted', code: 'interrupted', message: `stopped by ${signal}` };
}

/**
 * What went wrong, as plain data: it crosses from the worker to the main thread as it is, decides
 * the exit code, and becomes the `error` of a JSON document or a line for the person at the
 * terminal.
 */
import { constants } from 'node:os';
import { InputError } from '../../core/base/errors.js';

/** The verdict of a command that came to its end. */
export type Finding = 'holds' | 'violated' | 'inconclusive';

/** `crashed`: ptfrag made a mistake of its own, and says nothing of rules. */
export type Verdict = Finding | 'interrupted' | 'crashed';

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
  /** What stopped the command, where something did. */
  readonly signal: StopSignal | null;
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

/** What stops a command. SIGPIPE stands for a reader of stdout that has gone. */
export type StopSignal = 'SIGHUP' | 'SIGINT' | 'SIGPIPE' | 'SIGQUIT' | 'SIGTERM';

/** Of an interruption there is an exit code for each signal: `exitCodeOf`. */
export const EXIT = {
  holds: 0,
  violated: 1,
  usage: 2,
  inconclusive: 3,
  /** EX_SOFTWARE of sysexits.h. */
  crashed: 70,
} as const;

const BLANK: CommandFailure = Object.freeze({
  name: 'Error',
  code: 'internal',
  message: '',
  file: null,
  line: null,
  expected: null,
  rule: null,
  signal: null,
  stack: null,
});

/** One of `EXIT`, or 128 and the number of a signal. */
export type ExitCode = number;

/** The machine refuses something: no room on a disk, too many open files. */
const SYSTEM_ERROR = 'SystemError';
/** A thread needed more memory than Node gives it. */
const OUT_OF_MEMORY = 'OutOfMemory';

/** What each class of error means to a caller. A class that isn't here is a mistake of ours. */
const EXIT_OF: Readonly<Record<string, ExitCode>> = Object.freeze({
  InputError: EXIT.usage,
  UsageError: EXIT.usage,
  UnsupportedError: EXIT.usage,
  [SYSTEM_ERROR]: EXIT.usage,
  // A bound that was given or chosen is reached: nothing is said about the rules.
  LimitError: EXIT.inconclusive,
  OutOfPagesError: EXIT.inconclusive,
  StallError: EXIT.inconclusive,
  [OUT_OF_MEMORY]: EXIT.inconclusive,
});

export function exitCodeOf(failure: CommandFailure): ExitCode {
  if (failure.signal !== null) return exitCodeOfSignal(failure.signal);
  return EXIT_OF[failure.name] ?? (failure.rule === null ? EXIT.crashed : EXIT.violated);
}

/** As shells have it. */
export function exitCodeOfSignal(signal: StopSignal): ExitCode {
  return 128 + constants.signals[signal];
}

/** The verdict of the document that a failure ends with. */
export function verdictOf(failure: CommandFailure): Verdict {
  if (failure.signal !== null) return 'interrupted';
  const exitCode = exitCodeOf(failure);
  if (exitCode === EXIT.crashed) return 'crashed';
  return exitCode === EXIT.violated ? 'violated' : 'inconclusive';
}

/** Classes without a code of their own. */
const LIMIT_CODES: Readonly<Record<string, string>> = Object.freeze({ LimitError: 'limit' });

/** Takes apart whatever was thrown. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandError) return error.failure;
  if (!(error instanceof Error)) return { ...BLANK, message: String(error) };
  const { message, stack = null } = error;
  const name = classOf(error);
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
    signal: null,
    stack,
  };
}

/** The name of its class; what Node throws is told apart by its fields. */
function classOf(error: Error): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return OUT_OF_MEMORY;
  return syscall === undefined ? error.name : SYSTEM_ERROR;
}

/** A command line that can't be. */
export function misuse(code: string, message: string): CommandFailure {
  return { ...BLANK, name: 'UsageError', code, message };
}

/** The interruption that a signal is. */
export function interruption(signal: StopSignal): CommandFailure {
  const message = `stopped by ${signal}`;
  return { ...BLANK, name: 'Interrupted', code: 'interrupted', message, signal };
}

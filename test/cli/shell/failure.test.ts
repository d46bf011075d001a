/** What each kind of error becomes: an exit code, a verdict, an `error`, a command to repeat it. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '#src/cli/shell/again.js';
import {
  CommandError,
  exitCodeOf,
  failureOf,
  interruption,
  misuse,
  verdictOf,
} from '#src/cli/shell/failure.js';
import {
  InputError,
  InvariantError,
  LimitError,
  OutOfPagesError,
  StallError,
  UnsupportedError,
  UsageError,
} from '#src/core/base/errors.js';
import { alignRight, formatCount, formatMean, formatRatio, wrap } from '#src/report/text.js';

const PLACE = { code: 'bad-number', file: 'a.txt', line: 7, expected: 'a number' };

const READER = { cause: 'reader', thread: 3, name: null, attachedAtMs: null, of: null } as const;

describe('an error', () => {
  it.each([
    [new InputError('a.txt:7: no', PLACE), 2, 'inconclusive', PLACE.code],
    [new UsageError('double-free', 'no'), 2, 'inconclusive', 'double-free'],
    [new UnsupportedError('no-memory', 'no'), 2, 'inconclusive', 'no-memory'],
    [
      new OutOfPagesError('it', 9, { live: 9, pending: 0, blocker: null, isReading: false }),
      3,
      'inconclusive',
      'out-of-pages',
    ],
    [new LimitError('mmsMax', 9, 'no'), 3, 'inconclusive', 'limit'],
    [new StallError('it', READER, 99), 3, 'inconclusive', 'stalled'],
    [new InvariantError('P4', 'no'), 1, 'violated', 'rule-violated'],
    [new TypeError('no'), 70, 'crashed', 'internal'],
    ['no', 70, 'crashed', 'internal'],
    [Object.assign(new Error('no'), { code: 'EIO', syscall: 'read' }), 2, 'inconclusive', 'EIO'],
    [
      Object.assign(new Error('no'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }),
      3,
      'inconclusive',
      'ERR_WORKER_OUT_OF_MEMORY',
    ],
  ])('has an exit code and a verdict: %s', (error, exitCode, verdict, code) => {
    const failure = failureOf(error);
    expect(exitCodeOf(failure)).toBe(exitCode);
    expect(verdictOf(failure)).toBe(verdict);
    expect(failure.code).toBe(code);
  });

  it('crosses to another thread as it is', () => {
    const failure = failureOf(new InputError('a.txt:7: no', PLACE));
    expect(structuredClone(failure)).toEqual(failure);
    expect(failure).toMatchObject({ ...PLACE, name: 'InputError', message: 'a.txt:7: no' });
    expect(failureOf(new CommandError(failure))).toBe(failure);
    expect(failureOf(new InvariantError('P4', 'no'))).toMatchObject({ rule: 'P4', file: null });
  });

  it('may be of nobody: a wrong command line', () => {
    expect(exitCodeOf(misuse('unknown-option', 'no'))).toBe(2);
  });

  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGPIPE', 141],
    ['SIGTERM', 143],
  ] as const)('may be a signal: %s', (signal, exitCode) => {
    const stopped = interruption(signal);
    expect(exitCodeOf(stopped)).toBe(exitCode);
    expect(verdictOf(stopped)).toBe('interrupted');
  });
});

describe('the command that repeats another', () => {
  const again = (...args: string[]): string => commandLine(args).replace(/^.*?\.\w+ /, '');

  it('has its arguments, quoted where a shell needs it, for a person to read', () => {
    expect(again('compare', 'a/b-1.txt', '--json')).toBe('compare a/b-1.txt');
    expect(again('compare', "it's $1", '')).toBe("compare 'it'\\''s $1' ''");
  });

  it('has the seed, given or not', () => {
    const seed = { '--seed': 7 };
    expect(commandLine(['replay', 'x'], seed)).toMatch(/ replay x --seed 7$/);
    expect(commandLine(['replay', 'x', '--seed', '8'], seed)).toMatch(/ replay x --seed 8$/);
    expect(commandLine(['replay', 'x', '--seed=9'], seed)).toMatch(/ replay x --seed=9$/);
  });
});

describe('numbers and lines', () => {
  it('are as people read them', () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0, 999.999, 12345.678].map(formatMean)).toEqual(['0.00', '1,000.00', '12,345.68']);
    expect([formatRatio(3, 2), formatRatio(1, 0)]).toEqual(['1.50', '-']);
  });

  it('are aligned and broken', () => {
    expect(
      alignRight(
        [
          ['a', 'bb'],
          ['cccc', ''],
        ],
        3,
      ),
    ).toEqual(['   a  bb', 'cccc    ']);
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('overlong two', 4)).toEqual(['overlong', 'two']);
  });
});

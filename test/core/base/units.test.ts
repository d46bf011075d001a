/** Addresses, powers of two, and errors that carry their facts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertAtImport, isPowerOfTwo } from '#src/core/base/assert.js';
import {
  InputError,
  InvariantError,
  LimitError,
  OutOfPagesError,
  type Shortage,
  UnsupportedError,
  UsageError,
} from '#src/core/base/errors.js';
import { at, type Word } from '#src/core/base/units.js';

describe('addresses', () => {
  it('are sums, and stay 32-bit integers', () => {
    const word = fc.integer({ min: 0, max: 2 ** 30 });
    fc.assert(
      fc.property(word, fc.integer({ min: -1000, max: 2 ** 30 - 1 }), (base, offset) => {
        expect(at(base as Word, offset)).toBe(base + offset);
      }),
    );
    expect(at(0.5 as Word, 1)).toBe(1);
  });
});

describe('powers of two', () => {
  it('are 2^0 to 2^30 and nothing else', () => {
    const powers = new Set(Array.from({ length: 31 }, (_, n) => 2 ** n));
    for (const power of powers) {
      for (const n of [power - 1, power, power + 1, -power]) {
        expect(isPowerOfTwo(n), `${n}`).toBe(powers.has(n));
      }
    }
    expect(isPowerOfTwo(0)).toBe(false);
    expect(isPowerOfTwo(2 ** 31)).toBe(false);
  });
});

const SHORTAGE: Shortage = { live: 9, pending: 0, blocker: null, isReading: false };

describe('errors', () => {
  it('stop an import of tables that contradict each other', () => {
    expect(() => assertAtImport(false, 'a fits b')).toThrow('ptfrag is built wrong: a fits b');
    expect(assertAtImport(true, 'a fits b')).toBe(undefined);
  });

  it('have their class name as name, and are errors', () => {
    const place = { code: 'bad-line', file: 'x.txt', line: 7, expected: 'a number' };
    const all = {
      UsageError: new UsageError('double-free', 'says'),
      InvariantError: new InvariantError('P4', 'found'),
      OutOfPagesError: new OutOfPagesError('a table', 9, SHORTAGE),
      LimitError: new LimitError('threadsMax', 4, 'full'),
      UnsupportedError: new UnsupportedError('no-memory', 'says'),
      InputError: new InputError('says', place),
    };
    for (const [name, error] of Object.entries(all)) {
      expect(error).toBeInstanceOf(Error);
      expect(error.name).toBe(name);
    }
  });

  it('carry as fields what the sentence says', () => {
    expect(new UsageError('double-free', 'says')).toMatchObject({ code: 'double-free' });
    const broken = new InvariantError('P4', 'page 3 has no node');
    expect(broken).toMatchObject({ rule: 'P4', message: 'P4 does not hold: page 3 has no node' });
    const full = new LimitError('threadsMax', 4, 'no record is free');
    expect(full).toMatchObject({ limit: 'threadsMax', max: 4 });
    expect(full.message).toBe(
      'no record is free (limit threadsMax = 4, set when the heap was created)',
    );
    const out = new OutOfPagesError('a table of mm 1', 9, SHORTAGE);
    expect(out).toMatchObject({ code: 'out-of-pages', pagesLimit: 9, live: 9, pending: 0 });
    expect(out.message).toContain('no page left for a table of mm 1: 9 of 9 pages');
    const place = { code: 'bad-line', file: 'x.txt', line: 7, expected: 'a number' };
    expect(new InputError('says', place)).toMatchObject(place);
  });
});

/** Options of `createHeap` that are of the right type, and make no heap: which, and why. */
import { createHeap, type HeapOptions, heapBytes } from 'ptfrag';
import { describe, expect, it } from 'vitest';

const KIND = { name: 'block', bytes: 1024, perPage: 4 };

function geometry(change: object, kind: object = {}): Partial<HeapOptions> {
  const kinds = [{ ...KIND, ...kind }];
  return { geometry: { name: 'blocks', pageBytes: 4096, kinds, ...change } };
}

const BAD: readonly [says: string, options: Partial<HeapOptions>][] = [
  ['pages is 0; it must be a whole number, 1 to 16777216', { pages: 0 }],
  ['pages is 5; allowed are 1 to pagesMax = 4', { pages: 5, pagesMax: 4 }],
  ['pagesMax is 16777217; it must be a whole number, 1 to', { pagesMax: 2 ** 24 + 1 }],
  ['threadsMax is 0; it must be a whole number, 1 to 256', { threadsMax: 0 }],
  ['threadsMax is 257; it must be', { threadsMax: 257 }],
  ['mmsMax is 0; it must be a whole number, 1 to 1048575', { mmsMax: 0 }],
  ['mmsMax is 1048576; it must be', { mmsMax: 2 ** 20 }],
  [
    'geometry.pageBytes is 32; it must be a power of two, 64 to 4194304',
    geometry({ pageBytes: 32 }),
  ],
  ['geometry.pageBytes is 8388608; it must be', geometry({ pageBytes: 2 ** 23 })],
  ['geometry.kinds has length 0; it must be an array of 1 to 8 kinds', geometry({ kinds: [] })],
  ['geometry.kinds has length 9; it must', geometry({ kinds: Array(9).fill(KIND) })],
  ["geometry.name is 'überall'; it must be at most 32 char", geometry({ name: 'überall' })],
  ['it must be at most 32 characters of ASCII', geometry({ name: 'x'.repeat(33) })],
  [
    "kinds[0].name is 'page-middle-table'; it must be at most 16 characters of ASCII",
    geometry({}, { name: 'page-middle-table' }),
  ],
  ['kind block: 8 fragments of 1024 bytes do not make up', geometry({}, { perPage: 8 })],
  ['kind block: order is 9; allowed are 0 to 8', geometry({}, { perPage: 1, order: 9 })],
];

describe('options that make no heap', () => {
  it.each(BAD)('are refused: %s', (says, options) => {
    for (const call of [createHeap, heapBytes]) {
      const make = (): unknown => call({ pages: 1, ...options });
      expect(make).toThrow(says);
      expect(make).toThrow(expect.objectContaining({ name: 'UsageError', code: 'bad-config' }));
    }
  });

  it('are not those at the edges of their limits', () => {
    const least = geometry({ pageBytes: 64 }, { bytes: 16 });
    const most = { threadsMax: 256, mmsMax: 2 ** 20 - 1, ...geometry({ name: 'x'.repeat(32) }) };
    for (const options of [{ ...least, threadsMax: 1, mmsMax: 1 }, most]) {
      expect(heapBytes({ pages: 1, ...options })).toBeGreaterThan(0);
    }
  });
});

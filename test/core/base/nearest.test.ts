/** Which names somebody may have meant. */
import { describe, expect, it } from 'vitest';
import { nearest } from '#src/core/base/nearest.js';

describe('the nearest names', () => {
  const names = ['free-vs-free+two', 'free-vs-free+one-page', 'alloc-vs-free', 'lock', 'block'];

  it.each([
    ['loc', ['lock', 'block']],
    ['lokc', ['lock', 'block']],
    ['fre-vs-free', ['free-vs-free+two', 'free-vs-free+one-page']],
    ['free-vs-free+one-pgae', ['free-vs-free+one-page']],
    ['allc-vs-free', ['alloc-vs-free']],
  ])('of %s come first', (given, expected) => {
    expect(nearest(given, names).slice(0, expected.length)).toEqual(expected);
  });

  it('are three at most, and all there are of fewer', () => {
    expect(nearest('', names)).toHaveLength(3);
    expect(nearest('x', ['a', 'b'])).toEqual(['a', 'b']);
  });
});

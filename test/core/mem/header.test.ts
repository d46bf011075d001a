/** A header that was written over: refused, with the word named, before anything is believed. */
import { describe, expect, it } from 'vitest';
import { headerWord, openHeap } from '#src/core/mem/heap.js';
import { HEAD_WORDS, HEAP, KIND, KINDS_AT, THREADS_MAX } from '#src/core/mem/layout.js';
import type { SharedMemory } from '#src/core/mem/shared.js';
import { kindOf, makeHeap } from '../../support/heap.js';

const VALUES = [0, -1, 1, 3, 40, 0x7fffffff, -0x80000000];

/** Words that somebody changes while a heap lives: what each value may be is asked of them. */
const CHANGING: readonly (keyof typeof HEAP)[] = [
  'BROKEN',
  'LIMIT_PAGES',
  'THREADS_HIGH',
  'FREE_PAGES',
  'MM_HIGH',
];

function openWith(word: number, value: number): { readonly mem: SharedMemory; open(): unknown } {
  const { mem } = makeHeap({ kinds: [kindOf(4)], pagesMax: 32 });
  mem.words[word] = value;
  return { mem, open: () => openHeap(mem) };
}

describe('a header', () => {
  const refused = expect.objectContaining({ name: 'UsageError', code: 'damaged' });

  it.each(['PAGE_SHIFT', 'PAGES_MAX', 'THREADS_MAX', 'MMS_MAX', 'KINDS', 'SPINS'] as const)(
    '%s: a number that it can not be is named, with its limits',
    (name) => {
      for (const value of [-1, -0x80000000]) {
        const { open } = openWith(HEAP[name], value);
        expect(open).toThrow(refused);
        expect(open).toThrow(new RegExp(`${name} is ${value}; it can be [0-9]+ to [0-9]+`));
      }
    },
  );

  it('has no word that nobody changes, of which another value goes unnoticed', () => {
    const constants = Array.from({ length: HEAP.CONSTANTS_SUM }, (_, i) => i + 1);
    for (let word = KINDS_AT; word < HEAD_WORDS; word++) constants.push(word);
    const { mem: sound } = makeHeap({ kinds: [kindOf(4)], pagesMax: 32 });
    for (const word of constants) {
      for (const value of VALUES) {
        if (sound.words[word] === value) continue;
        const before = sound.words[word] as number;
        sound.words[word] = value;
        expect(() => openHeap(sound), `word ${word} = ${value}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(damaged|other-version)$/) }),
        );
        sound.words[word] = before;
      }
    }
    expect(openHeap(sound).words).toBe(sound.words.length);
  });

  it.each(CHANGING)('%s: refused beyond what it can be at any moment', (name) => {
    for (const value of [-1, THREADS_MAX * 2 ** 16]) {
      const { open } = openWith(HEAP[name], value);
      expect(open).toThrow(refused);
      expect(open).toThrow(`${name} is ${value}`);
    }
  });

  it('a kind that does not make sense is named by its number and its field', () => {
    const { open } = openWith(KINDS_AT + KIND.PER_PAGE, 3);
    expect(open).toThrow(/kind 0: perPage is 3; allowed are powers of two/);
  });

  it('of a machine of the other byte order is named as that', () => {
    const { mem, open } = openWith(HEAP.SPINS, 10);
    const bytes = new DataView(mem.words.buffer);
    bytes.setInt32(0, mem.load(headerWord(HEAP.MAGIC)), new Uint8Array(bytes.buffer)[0] !== 0x50);
    expect(open).toThrow(expect.objectContaining({ code: 'other-byte-order' }));
  });
});

/** The seam over a SharedArrayBuffer: what each access does, and how it sleeps. */
import { endianness } from 'node:os';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { at, type Word } from '#src/core/base/units.js';
import { LITTLE_ENDIAN } from '#src/core/mem/endian.js';
import type { Memory } from '#src/core/mem/memory.js';
import { readName, writeName } from '#src/core/mem/name.js';
import { mayThreadSleep, reserveBuffer, SharedMemory, viewWords } from '#src/core/mem/shared.js';

const WORDS = 16;

function makeMemory(maySleep = true): SharedMemory {
  return new SharedMemory(viewWords(reserveBuffer(WORDS * 4), 0, WORDS), maySleep);
}

const word = fc.integer({ min: 0, max: WORDS - 1 }).map((n) => n as Word);
const value = fc.integer();

/** Each access that changes one word, and what the word holds afterwards. */
const UPDATES: readonly [keyof Memory, (before: number, value: number) => number][] = [
  ['exchange', (_, v) => v],
  ['add', (before, v) => (before + v) | 0],
  ['and', (before, v) => before & v],
  ['or', (before, v) => before | v],
  ['xor', (before, v) => before ^ v],
];

describe('an access', () => {
  it.each(UPDATES)('%s changes one word and returns what it held', (name, update) => {
    fc.assert(
      fc.property(word, value, value, (w, before, v) => {
        const mem = makeMemory();
        mem.store(w, before);
        expect((mem[name] as (w: Word, v: number) => number).call(mem, w, v)).toBe(before);
        const words = Array<number>(WORDS).fill(0).with(w, update(before, v));
        expect([...mem.words]).toEqual(words);
      }),
    );
  });

  it('cas stores if the word holds what was expected, and returns what it held', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 3 }), (w, before) => {
        const mem = makeMemory();
        mem.poke(w, before);
        expect(mem.cas(w, 1, -7)).toBe(before);
        expect(mem.load(w)).toBe(before === 1 ? -7 : before);
      }),
    );
  });

  it('load, glance and peek read what store and poke wrote, as signed 32-bit integers', () => {
    const mem = makeMemory();
    fc.assert(
      fc.property(word, value, (w, v) => {
        mem.store(w, v);
        expect([mem.load(w), mem.glance(w), mem.peek(w)]).toEqual([v, v, v]);
        mem.poke(w, v ^ 1);
        expect([mem.load(w), mem.peek(w)]).toEqual([v ^ 1, v ^ 1]);
      }),
    );
  });

  it('fill and copy change their range and nothing else', () => {
    const range = fc.tuple(word, word).map(([a, b]) => [Math.min(a, b), Math.abs(a - b)] as const);
    fc.assert(
      fc.property(range, word, value, ([from, count], to, v) => {
        const mem = makeMemory();
        const words = Array.from({ length: WORDS }, (_, i) => 100 + i);
        words.forEach((old, i) => {
          mem.poke(i as Word, old);
        });
        mem.fill(from as Word, count, v);
        words.fill(v, from, from + count);
        expect([...mem.words]).toEqual(words);
        const copied = Math.min(count, WORDS - to);
        mem.copy(to, from as Word, copied);
        words.copyWithin(to, from, from + copied);
        expect([...mem.words]).toEqual(words);
      }),
    );
  });

  it('counts words from where the view begins', () => {
    const buffer = reserveBuffer(WORDS * 4);
    const mem = new SharedMemory(viewWords(buffer, 8, 4), true);
    mem.store(0 as Word, 5);
    expect([...new Int32Array(buffer)].slice(0, 4)).toEqual([0, 0, 5, 0]);
  });
});

describe('a wait', () => {
  const waitAsync = Object.getOwnPropertyDescriptor(Atomics, 'waitAsync');

  afterEach(() => {
    if (waitAsync !== undefined) Object.defineProperty(Atomics, 'waitAsync', waitAsync);
  });

  it('does not begin when the word has changed already', () => {
    const mem = makeMemory();
    mem.awaitChange(0 as Word, 1);
    expect(mem.load(0 as Word)).toBe(0);
  });

  it('ends after its time', () => {
    const mem = makeMemory();
    const begin = performance.now();
    expect(mem.awaitChange(0 as Word, 0, 20)).toBe(true);
    expect(performance.now() - begin).toBeGreaterThan(15);
  });

  it('spins until its time is up, or the word is another, where the thread may not sleep', () => {
    let looks = 0;
    const mem = new SharedMemory(new Int32Array(new SharedArrayBuffer(4)), false, () => looks++);
    expect(mem.awaitChange(0 as Word, 0, 20)).toBe(true);
    expect(looks).toBe(21);
    expect(mem.awaitChange(0 as Word, 1, 1e9)).toBe(false);
  });

  it('is none on a thread that may not sleep', () => {
    const mem = makeMemory(false);
    expect(mem.awaitChange(0 as Word, 0)).toBe(false);
    expect(mem.maySleep).toBe(false);
    expect(mayThreadSleep()).toBe(true);
  });

  it('without blocking ends when notified, when the word changed, and after its time', async () => {
    const mem = makeMemory();
    let ended = false;
    const waiting = mem.awaitChangeAsync(0 as Word, 0).then(() => {
      ended = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ended).toBe(false);
    mem.notify(0 as Word);
    await waiting;
    await mem.awaitChangeAsync(0 as Word, 1);
    await mem.awaitChangeAsync(0 as Word, 0, 5);
    expect(ended).toBe(true);
  });

  it('without blocking looks again now and then where the engine has no waitAsync', async () => {
    Object.defineProperty(Atomics, 'waitAsync', { value: undefined, configurable: true });
    const mem = makeMemory();
    await expect(mem.awaitChangeAsync(0 as Word, 0)).resolves.toBe(undefined);
    await expect(mem.awaitChangeAsync(0 as Word, 0, 0)).resolves.toBe(undefined);
  });
});

describe('names and byte order', () => {
  it('names come back as written, as much of them as fits', () => {
    const name = fc
      .string({ unit: 'grapheme-ascii', maxLength: 20 })
      .filter((n) => !n.includes('\0'));
    fc.assert(
      fc.property(name, (text) => {
        const mem = makeMemory();
        writeName(mem, 3 as Word, 4, text);
        expect(readName(mem, 3 as Word, 4)).toBe(text.slice(0, 16));
        expect([mem.peek(2 as Word), mem.peek(at(3 as Word, 4))]).toEqual([0, 0]);
      }),
    );
  });

  it('the byte order is the one of this machine', () => {
    expect(LITTLE_ENDIAN).toBe(endianness() === 'LE');
  });
});

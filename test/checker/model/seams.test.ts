/** The checker's memory and the one that ships: each access gives the same, and leaves the same. */
import fc from 'fast-check';
import { check, type Scenario, type SharedWords } from 'ptfrag/model';
import { describe, expect, it } from 'vitest';
import { Machine } from '#src/checker/model/machine.js';
import type { Memory } from '#src/core/mem/memory.js';
import { reserveBuffer, SharedMemory, viewWords } from '#src/core/mem/shared.js';

const WORDS = 6;

type Act = (memory: SharedWords) => unknown;

const word = fc.nat({ max: WORDS - 1 });
/** Integers and what becomes one, and so small ones that a cas often finds what it expects. */
const value = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.integer(),
  fc.constantFrom(2 ** 31, 2 ** 32 + 5, -(2 ** 31) - 1, 1.9, -1.9, Number.NaN, 1 / 0, -0),
);
/** Where a range begins, and how long it is, within the memory. */
const range = word.chain((from) => fc.tuple(fc.constant(from), fc.nat({ max: WORDS - from })));
const ranges = fc
  .tuple(word, word)
  .chain(([to, from]) =>
    fc.tuple(fc.constant(to), fc.constant(from), fc.nat({ max: WORDS - Math.max(to, from) })),
  );
const count = fc.constantFrom(undefined, 0, 1, 2.5, -1, Number.NaN, 1 / 0);

type Named = readonly [name: string, act: Act];
const named = <T>(name: string, from: fc.Arbitrary<T>, act: (m: SharedWords, t: T) => unknown) =>
  from.map((given): Named => [`${name}(${String(given)})`, (memory) => act(memory, given)]);

const one = fc.tuple(word, value);
/** Every method of the seam, but for a sleep: a word that is awaited is never as it was seen. */
const ACTS: Readonly<Record<Exclude<keyof Memory, 'awaitChangeAsync'>, fc.Arbitrary<Named>>> = {
  maySleep: named('maySleep', word, (m) => m.maySleep),
  load: named('load', word, (m, w) => m.load(w)),
  store: named('store', one, (m, [w, v]) => m.store(w, v)),
  cas: named('cas', fc.tuple(word, value, value), (m, [w, e, v]) => m.cas(w, e, v)),
  exchange: named('exchange', one, (m, [w, v]) => m.exchange(w, v)),
  add: named('add', one, (m, [w, v]) => m.add(w, v)),
  and: named('and', one, (m, [w, v]) => m.and(w, v)),
  or: named('or', one, (m, [w, v]) => m.or(w, v)),
  xor: named('xor', one, (m, [w, v]) => m.xor(w, v)),
  glance: named('glance', word, (m, w) => m.glance(w)),
  peek: named('peek', word, (m, w) => m.peek(w)),
  poke: named('poke', one, (m, [w, v]) => m.poke(w, v)),
  fill: named('fill', fc.tuple(range, value), (m, [[w, n], v]) => m.fill(w, n, v)),
  copy: named('copy', ranges, (m, [to, from, n]) => m.copy(to, from, n)),
  awaitChange: named('awaitChange', fc.tuple(word, fc.option(fc.nat())), (m, [w, ms]) =>
    m.awaitChange(w, m.peek(w) + 1, ms ?? undefined),
  ),
  notify: named('notify', fc.tuple(word, count), (m, [w, n]) => m.notify(w, n)),
};

const sequence = fc.array(fc.oneof(...Object.values(ACTS)), { minLength: 1, maxLength: 25 });

function done(memory: SharedWords, acts: readonly Named[]): unknown[] {
  const results = acts.map(([name, act]) => [name, act(memory)]);
  return [results, Array.from({ length: WORDS }, (_, at) => memory.peek(at))];
}

const shipped = (acts: readonly Named[]): unknown[] =>
  done(new SharedMemory(viewWords(reserveBuffer(WORDS * 4), 0, WORDS), true) as never, acts);

function asOperation(acts: readonly Named[]): unknown[] {
  let found: unknown[] = [];
  const scenario: Scenario = {
    name: 'acts-vs-nobody',
    about: '',
    rules: [],
    mustSee: [],
    words: WORDS,
    threads: 1,
    setup: ({ memory }) => ({
      threads: [[(): unknown[] => done(memory, acts)]],
      atEnd: ([own]) => {
        found = own?.[0] as unknown[];
        return [];
      },
    }),
  };
  const { failure } = check(scenario);
  return failure === null ? found : [failure.detail];
}

describe('the two seams', () => {
  it('give the same results and leave the same words, whatever is done to them', () => {
    fc.assert(
      fc.property(sequence, (acts) => {
        const expected = shipped(acts);
        expect(asOperation(acts)).toEqual(expected);
        const machine = new Machine({ words: WORDS, ghostWords: 0, threads: 1 });
        expect(done(machine.memory as never, acts)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('copy as if all was read before the first word is written', () => {
    const acts: Named[] = [
      ['fill', (m) => [1, 2, 3].map((each, at) => m.poke(at, each)).length],
      ['copy', (m) => m.copy(1, 0, 3)],
    ];
    expect(asOperation(acts)[1]).toEqual([1, 1, 2, 3, 0, 0]);
    expect(asOperation(acts)).toEqual(shipped(acts));
  });

  it.each<[string, Act, string]>([
    ['half a word', (m) => m.load(0.5), 'an access of word 0.5: words are whole numbers from 0'],
    ['no word', (m) => m.store(undefined as never, 1), 'an access of word undefined: words are'],
    ['a text', (m) => m.peek('1' as never), "an access of word '1': words are whole numbers"],
    ['a word too many', (m) => m.load(WORDS), 'an access of word 6, which is outside the memory'],
    ['a word too few', (m) => m.poke(-1, 1), 'an access of word -1, which is outside the memory'],
    ['a range over the end', (m) => m.fill(4, 3, 1), 'an access of word 4 to 6, which is outside'],
    ['a copy from over the end', (m) => m.copy(0, 4, 3), 'an access of word 4 to 6, which is'],
    ['a range of less than nothing', (m) => m.fill(0, -1, 1), 'an access of -1 words from word 0'],
    ['a copy of half a word', (m) => m.copy(0, 1, 0.5), 'an access of 0.5 words from word'],
  ])('the checker refuses %s, and says what is allowed', (_what, act, said) => {
    expect(asOperation([['', act]])[0]).toMatch(said);
  });
});

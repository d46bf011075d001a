/**
 * The rules that make running an operation again harmless (X): for each a violator is planted, and
 * must be reported with its cause.
 */
import { describe, expect, it } from 'vitest';
import { check } from '#src/checker/model/check.js';
import type { Scenario } from '#src/checker/model/scenario.js';
import { type Kit, kitWords, makeKit } from '#src/checker/proof/kit.js';
import { exploreAll, type Program, word } from '../../support/programs.js';

const [X, Y, Z] = [word(0), word(1), word(2)];

/** Ways to break the rules that make running an operation again harmless. */
describe('an operation that breaks an X rule is reported', () => {
  const other: Program = (mem) => [mem.store(X, 1), mem.store(Y, 1)].at(-1);
  const cause = (program: Program): string => [...exploreAll(3, [program, other]).ends].join('\n');

  it('X2: a variable outside of the heap', () => {
    let calls = 0;
    const program: Program = (mem) => [mem.store(X, calls++), mem.load(Y)];
    expect(cause(program)).toMatch(/X2 does not hold.*depends on something outside of the heap/);
  });

  it('X2: a cache that is kept from one run to the next', () => {
    const cache = new Map<number, number>();
    const program: Program = (mem) => {
      const known = cache.get(X) ?? mem.load(X);
      cache.set(X, known);
      mem.store(Y, known);
    };
    expect(cause(program)).toMatch(/X2 does not hold.*depends on something outside of the heap/);
  });

  it('X4: an argument that is modified', () => {
    const list = [X, Y, Z];
    const program: Program = (mem) => {
      mem.load(list.shift() ?? Z);
      mem.load(list.shift() ?? Z);
    };
    expect(cause(program)).toMatch(/X2 does not hold.*a modified argument/);
  });

  it('X6: chance or time', () => {
    let clock = 0;
    const now = (): number => ++clock;
    const program: Program = (mem) => [mem.store(X, now()), mem.load(Y)];
    expect(cause(program)).toMatch(/X2 does not hold.*time or chance/);
  });

  it('X5: a hook that is called inside, and minds how often', () => {
    const events: string[] = [];
    const program: Program = (mem) => {
      const hook = (event: string): void => {
        if (events.push(event) > 1) mem.store(Z, events.length);
      };
      mem.store(X, 1);
      hook('stored');
      mem.load(Y);
    };
    expect(cause(program)).toMatch(/X2 does not hold.*depends on something outside of the heap/);
  });

  it('X3: a catch that swallows the suspension', () => {
    const program: Program = (mem) => {
      try {
        mem.load(X);
        mem.load(Y);
      } catch {
        return 'caught';
      }
      return 'done';
    };
    expect(cause(program)).toMatch(/X3 does not hold/);
  });

  it('X1: an asynchronous function', () => {
    const program: Program = async (mem) => mem.load(X);
    expect(cause(program)).toMatch(/X1 does not hold/);
  });

  it('X1: a generator', () => {
    const program: Program = function* (mem) {
      yield mem.load(X);
    };
    expect(cause(program)).toMatch(/X1 does not hold: an operation is a generator/);
  });

  it('X1: a wait by promise', () => {
    const program: Program = (mem) => void mem.awaitChangeAsync(X, 0);
    expect(cause(program)).toMatch(/X1 does not hold.*synchronous function/);
  });

  it('X10: a suspension that is turned into another error', () => {
    const program: Program = (mem) => {
      try {
        mem.load(X);
        mem.load(Y);
      } catch (error) {
        throw new Error('failed', { cause: error });
      }
    };
    expect(cause(program)).toMatch(/X3 does not hold.*caught the exception that suspends it/);
  });

  it('X10: a suspension or an assumption that is changed, which is frozen', () => {
    const changing =
      (assumes: boolean): Program =>
      (mem, _thread, assume) => {
        try {
          assume(!assumes);
          mem.load(X);
        } catch (error) {
          (error as { why?: string }).why = 'mine';
          throw error;
        }
      };
    expect(cause(changing(false))).toMatch(/X3 does not hold/);
    expect(cause(changing(true))).toMatch(/X3 does not hold/);
  });

  /** An operation that makes too many accesses is cut there: nothing is known of what comes. */
  const isCut = (program: Program): boolean => {
    const { complete, isTooLong, kinds } = exploreAll(3, [program], true, 30_000);
    return isTooLong && !complete && Object.keys(kinds).length === 0;
  };

  it('X7: a loop without a bound that neither fails a CAS nor waits', () => {
    const program: Program = (mem) => {
      for (let i = 0; mem.peek(Z) === 0; i++) mem.poke(Y, i);
    };
    expect(isCut(program)).toBe(true);
  });

  it('X7: a loop that only reads again, plainly, what it has read', () => {
    const round: Program = (mem) => {
      for (let at = X; ; at = at === X ? Y : X) mem.peek(at);
    };
    expect(cause(round)).toMatch(/X7 does not hold.*goes round for ever/);
  });

  it('X8: an operation of too many accesses', () => {
    const program: Program = (mem) => {
      for (let i = 0; i < 3_000; i++) mem.poke(Y, i);
    };
    expect(isCut(program)).toBe(true);
  });

  it('X8: a loop that never ends', () => {
    const program: Program = (mem) => {
      while (mem.load(Z) === 0);
    };
    expect(isCut(program)).toBe(true);
    expect(isCut((mem) => mem.load(Z))).toBe(false);
  });

  it('a finally that uses the seam is none', () => {
    const program: Program = (mem) => {
      try {
        mem.load(X);
        return mem.load(Y);
      } finally {
        mem.store(Z, 1);
      }
    };
    expect(cause(program)).not.toContain('does not hold');
  });
});

describe('what a kit hands out is frozen: an operation that changes it is reported (X2)', () => {
  const options = { threads: 1, pages: 1 };
  /** A scenario of one operation, which may do to the kit what it likes. */
  const changing = (change: (kit: Kit) => void): Scenario => ({
    name: 'changer+alone',
    about: 'An operation that changes what it was given.',
    rules: ['X2'],
    words: kitWords(options),
    threads: 1,
    mustSee: [],
    setup: (stage) => {
      const kit = makeKit(stage, options);
      return {
        threads: [
          [
            (): void => {
              stage.memory.load(X);
              change(kit);
            },
          ],
        ],
      };
    },
  });
  const writable = <T>(object: T): { -readonly [K in keyof T]: T[K] } => object;

  it.each<[string, (kit: Kit) => void]>([
    ['the heap', ({ heap }) => (writable(heap).spins = 3)],
    ['a new field of the heap', ({ heap }) => Object.assign(heap, { cache: 1 })],
    ['a kind', ({ heap: { kinds } }) => Object.assign(kinds[0] ?? {}, { perPage: 3 })],
    ['the list of kinds', ({ heap }) => (heap.kinds as unknown[]).push(1)],
    ['a thread', ({ threads }) => Object.assign(threads[0] ?? {}, { qsbr: true })],
    ['a field taken away', ({ threads }) => delete (threads[0] as { qsbr?: boolean }).qsbr],
    ['the list of threads', ({ threads }) => (threads as unknown[]).pop()],
    ['the kit', (kit) => (writable(kit).fragmentWords = 1)],
  ])('%s', (_what, change) => {
    const { failure } = check(changing(change));
    expect(failure?.rule).toBe('X2');
    expect(failure?.detail).toMatch(/^an operation changes a handle: Cannot/);
    expect(failure?.thread).toBe(0);
  });

  it('a TypeError of another cause is left as it is', () => {
    const { failure } = check(changing(() => (undefined as unknown as Kit).heap));
    expect(failure?.rule).toBe('TypeError');
  });
});

/** The checker's engine: it sees every outcome and no other, and the reduction loses none. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Memory } from '#src/core/mem/memory.js';
import { LONG } from '../../support/long.js';
import {
  type Explored,
  exploreAll,
  type Program,
  returnedBy,
  word,
} from '../../support/programs.js';

const [X, Y] = [word(0), word(1)];

describe('litmus tests', () => {
  it('store buffering: all outcomes but (0, 0), which sequential consistency forbids', () => {
    const one: Program = (mem) => [mem.store(X, 1), mem.load(Y)].at(-1);
    const two: Program = (mem) => [mem.store(Y, 1), mem.load(X)].at(-1);
    const explored = exploreAll(2, [one, two]);
    expect(returnedBy(explored)).toEqual(['[[0],[1]]', '[[1],[0]]', '[[1],[1]]']);
    expect(explored).toMatchObject({ complete: true, executions: 3, redundant: 0 });
  });

  it('message passing: who sees the flag sees the message', () => {
    const writer: Program = (mem) => [mem.store(X, 1), mem.store(Y, 1), 0].at(-1);
    const reader: Program = (mem) => [mem.load(Y), mem.load(X)].join('');
    const outcomes = returnedBy(exploreAll(2, [writer, reader]));
    expect(outcomes).toEqual(['[[0],["00"]]', '[[0],["01"]]', '[[0],["11"]]']);
  });

  it('message passing by plain accesses is a data race', () => {
    const writer: Program = (mem) => [mem.poke(X, 1), mem.poke(Y, 1)].at(-1);
    const reader: Program = (mem) => [mem.peek(Y), mem.peek(X)].at(-1);
    expect([...exploreAll(2, [writer, reader]).ends].join()).toContain('race does not hold');
  });

  it('message passing with a plain message and an atomic flag is none', () => {
    const writer: Program = (mem) => [mem.poke(X, 1), mem.store(Y, 1), 0].at(-1);
    const reader: Program = (mem) => (mem.load(Y) === 1 ? mem.peek(X) : 'none');
    expect(returnedBy(exploreAll(2, [writer, reader]))).toEqual(['[[0],["none"]]', '[[0],[1]]']);
  });

  it('a glance may race with atomic writes, but not with plain ones, and orders nothing', () => {
    const glances: Program = (mem) => mem.glance(X);
    const outcomes = returnedBy(exploreAll(2, [(mem) => mem.add(X, 1), glances]));
    expect(outcomes).toEqual(['[[0],[0]]', '[[0],[1]]']);
    const endsOf = (...programs: Program[]): string => [...exploreAll(2, programs).ends].join();
    expect(endsOf((mem) => [mem.poke(X, 1)].at(-1), glances)).toContain('race does not hold');
    const writer: Program = (mem) => [mem.poke(X, 1), mem.store(Y, 1)].at(-1);
    const reader: Program = (mem) => (mem.glance(Y) === 1 ? mem.peek(X) : 'none');
    expect(endsOf(writer, reader)).toContain('race does not hold');
  });

  it('adding by load and store loses updates; by compare and swap it does not', () => {
    const sums = (program: Program): number[] => {
      const { ends } = exploreAll(1, [program, program]);
      return [...ends]
        .map((end) => (JSON.parse(end) as [unknown, number[]])[1][0] as number)
        .sort();
    };
    const torn: Program = (mem) => mem.store(X, mem.load(X) + 1);
    const whole: Program = (mem) => {
      for (let seen = mem.load(X); ; ) {
        const found = mem.cas(X, seen, seen + 1);
        if (found === seen) return;
        seen = found;
      }
    };
    expect(sums(torn)).toEqual([1, 2]);
    expect(sums(whole)).toEqual([2]);
    expect(sums((mem) => void mem.add(X, 1))).toEqual([2]);
  });

  it('a step that plain accesses follow is judged by its own access', () => {
    // Were the CAS taken for a failed one, no order but the first would be explored.
    const taker: Program = (mem, thread) =>
      mem.cas(X, 0, 1) === 0 ? mem.peek(word(1 + thread)) : 9;
    expect(exploreAll(3, [taker, taker]).executions).toBe(2);
  });
});

describe('sleeping', () => {
  it('a value that changes wakes nobody: a lost wake-up is found', () => {
    const sleeper: Program = (mem) => mem.awaitChange(X, 0);
    const changer: Program = (mem) => mem.store(X, 1);
    const { kinds } = exploreAll(1, [sleeper, changer]);
    expect(kinds).toEqual({ complete: 1, stuck: 1 });
  });

  it('with a notify nobody sleeps on', () => {
    const sleeper: Program = (mem) => mem.awaitChange(X, 0);
    const changer: Program = (mem) => [mem.store(X, 1), mem.notify(X)].at(-1);
    expect(exploreAll(1, [sleeper, changer]).kinds['stuck']).toBeUndefined();
  });

  it('a notify of one wakes one', () => {
    const sleeper: Program = (mem) => mem.awaitChange(X, 0);
    const waker: Program = (mem) => [mem.store(X, 1), mem.notify(X, 1)].at(-1);
    const { kinds } = exploreAll(1, [sleeper, sleeper, waker]);
    expect(kinds['stuck']).toBeGreaterThan(0);
    expect(kinds['complete']).toBeGreaterThan(0);
  });

  it('two locks taken in different orders are a deadlock', () => {
    const lock = (mem: Memory, at: typeof X): void => {
      while (mem.cas(at, 0, 1) !== 0) mem.awaitChange(at, 1);
    };
    const unlock = (mem: Memory, at: typeof X): void => {
      mem.store(at, 0);
      mem.notify(at);
    };
    const both =
      (first: typeof X, second: typeof X): Program =>
      (mem) => {
        lock(mem, first);
        lock(mem, second);
        unlock(mem, second);
        unlock(mem, first);
      };
    expect(exploreAll(2, [both(X, Y), both(Y, X)]).kinds['stuck']).toBeGreaterThan(0);
    expect(exploreAll(2, [both(X, Y), both(X, Y)]).kinds['stuck']).toBeUndefined();
  });

  it('a sleep with a limit looks again when there is news, and only then', () => {
    const looker: Program = (mem) => {
      let looks = 0;
      while (mem.load(X) === 0) {
        looks++;
        mem.awaitChange(Y, 0, 1);
      }
      return looks;
    };
    const changer: Program = (mem) => mem.store(X, 1);
    expect(exploreAll(2, [looker, changer]).kinds).toEqual({ complete: 2 });
    expect(exploreAll(2, [looker]).kinds).toEqual({ stuck: 1 });
  });

  it('a sleep with a limit ends where nobody can go on, as long as something is new', () => {
    const counter: Program = (mem) => {
      while (mem.add(X, 1) < 3) mem.awaitChange(Y, 0, 1);
      return mem.load(X);
    };
    expect(exploreAll(2, [counter]).kinds).toEqual({ complete: 1 });
    expect(exploreAll(2, [counter, counter]).kinds['stuck']).toBeUndefined();
  });
});

/** One access of a random program. */
const access = fc.tuple(
  fc.constantFrom('load', 'store', 'cas', 'add', 'exchange', 'sleep', 'nap', 'notify'),
  fc.nat({ max: 2 }),
  fc.nat({ max: 2 }),
  fc.nat({ max: 2 }),
);
type RandomAccess = [string, number, number, number];

function perform(mem: Memory, [kind, at, a, b]: RandomAccess): unknown {
  switch (kind) {
    case 'load':
      return mem.load(word(at));
    case 'store':
      return mem.store(word(at), a);
    case 'cas':
      return mem.cas(word(at), a, b);
    case 'add':
      return mem.add(word(at), a);
    case 'exchange':
      return mem.exchange(word(at), a);
    case 'nap':
      return mem.awaitChange(word(at), a, 1);
    case 'sleep':
      return mem.awaitChange(word(at), a);
    default:
      return mem.notify(word(at), a);
  }
}

function programOf(accesses: readonly RandomAccess[]): Program {
  return (mem) => accesses.map((one) => perform(mem, one) ?? null);
}

/** Runs a program with and without reduction; both must see the same ends. */
function verifySame(
  words: number,
  programs: readonly Program[],
  early?: readonly number[],
): { all: Explored; few: Explored } {
  const all = exploreAll(words, programs, false, undefined, early);
  const few = exploreAll(words, programs, true, undefined, early);
  expect(all.complete && few.complete).toBe(true);
  expect([...few.ends].sort()).toEqual([...all.ends].sort());
  expect(few.executions).toBeLessThanOrEqual(all.executions);
  return { all, few };
}

describe('the reduction', () => {
  it('two threads: sees the same ends as the exploration of everything', () => {
    const program = fc.array(access, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(program, program, (one, two) => {
        verifySame(3, [programOf(one), programOf(two)]);
      }),
      { numRuns: 150 },
    );
  });

  it('a change that would have woken a sleeper before it was notified', () => {
    const sleeper: Program = (mem) => {
      const seen = mem.load(X);
      mem.awaitChange(Y, 0, 1);
      mem.store(Y, 1);
      return seen;
    };
    const waker: Program = (mem) => [mem.load(Y), mem.notify(Y, 1)][0];
    const { few } = verifySame(2, [sleeper, waker, (mem) => mem.exchange(X, 1)]);
    // It goes on by itself, and the other loads what it stored.
    expect(returnedBy(few)).toContain('[[0],[1],[0]]');
  });

  it('a thread that naps, and two that may wake it: the same', () => {
    const flag = fc.nat({ max: 1 });
    const one = (...kinds: string[]): fc.Arbitrary<RandomAccess> =>
      fc.tuple(fc.constantFrom(...kinds), flag, flag, flag);
    const nap = fc.tuple(fc.constant('nap'), flag, fc.constant(0), flag);
    const all = ['load', 'store', 'add', 'nap', 'notify'];
    const napper = fc.tuple(one('load', 'add'), nap, one(...all));
    const waker = fc.array(one(...all), { minLength: 1, maxLength: 3 });
    const changer = fc.array(one(...all), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(napper, waker, changer, (...programs) => {
        verifySame(2, programs.map(programOf));
      }),
      { numRuns: LONG ? 20_000 : 500 },
    );
  });

  it('three threads: the same', () => {
    const program = fc.array(access, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(program, program, program, (one, two, three) => {
        verifySame(3, [programOf(one), programOf(two), programOf(three)]);
      }),
      { numRuns: 60 },
    );
  });

  it('a napper that a notify wakes could have woken by itself before it: the same', () => {
    const programs: readonly (readonly RandomAccess[])[] = [
      [
        ['add', 0, 0, 0],
        ['cas', 1, 0, 1],
        ['nap', 1, 0, 1],
        ['notify', 1, 1, 1],
      ],
      [
        ['store', 0, 1, 0],
        ['nap', 0, 0, 1],
      ],
      [
        ['nap', 0, 1, 1],
        ['nap', 1, 0, 1],
        ['cas', 0, 1, 0],
        ['store', 1, 1, 1],
      ],
    ];
    verifySame(2, programs.map(programOf));
  });

  it('with branches on what was read, loops and sleeps: the same', () => {
    const lock: Program = (mem) => {
      while (mem.cas(X, 0, 1) !== 0) mem.awaitChange(X, 1);
      const before = mem.peek(Y);
      mem.poke(Y, before + 1);
      mem.store(X, 0);
      mem.notify(X, 1);
      return before;
    };
    const { all, few } = verifySame(2, [lock, lock]);
    expect(few.executions).toBeLessThan(all.executions);
  });
});

describe('early returns', () => {
  /** Sleeps once for a lock that is held, and takes it without another look. */
  const careless: Program = (mem) => {
    if (mem.cas(X, 0, 1) !== 0) {
      mem.awaitChange(X, 1);
      mem.exchange(X, 1);
    }
    mem.poke(Y, mem.peek(Y) + 1);
    mem.store(X, 0);
    mem.notify(X, 1);
  };

  it('who does not look again after a wait is caught only with them', () => {
    const ends = (early: readonly number[]): string =>
      [...exploreAll(2, [careless, careless], true, undefined, early).ends].join();
    expect(ends([0, 0])).not.toContain('race does not hold');
    expect(ends([1, 0])).toContain('race does not hold');
  });

  it('random programs that return early: the reduction sees the same ends', () => {
    const program = fc.array(access, { minLength: 1, maxLength: 3 });
    const early = fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.nat({ max: 1 }));
    fc.assert(
      fc.property(program, program, program, early, (one, two, three, times) => {
        verifySame(3, [programOf(one), programOf(two), programOf(three)], times);
      }),
      { numRuns: 200 },
    );
  });

  it('a sleeper that a notify wakes could have returned before it', () => {
    const napper: Program = (mem) => mem.awaitChange(X, 0);
    const waker: Program = (mem) => mem.notify(X, 1);
    const { few } = verifySame(1, [napper, napper, waker], [1, 0, 0]);
    expect(few.kinds).toMatchObject({ complete: expect.any(Number), stuck: expect.any(Number) });
  });
});

describe('assume', () => {
  const adder: Program = (mem, _thread, assume) => {
    assume(mem.cas(X, 0, 1) === 0);
    const before = mem.peek(Y);
    mem.poke(Y, before + 1);
    mem.store(X, 0);
    return before;
  };

  it('makes a lock that blocks of one attempt', () => {
    const { few } = verifySame(2, [adder, adder, adder]);
    expect(few).toMatchObject({ executions: 6, kinds: { complete: 6 } });
    expect(few.dismissed).toBeGreaterThan(0);
    expect(returnedBy(few)).toHaveLength(6);
  });

  it('what never holds leaves no execution', () => {
    const never: Program = (_mem, _thread, assume) => assume(false);
    expect(exploreAll(2, [never, adder])).toMatchObject({ executions: 0, dismissed: 1 });
  });

  it('random programs with assumptions: the reduction sees the same ends', () => {
    const assumed = fc.tuple(access, fc.option(fc.nat({ max: 2 })));
    const program = fc.array(assumed, { minLength: 1, maxLength: 3 });
    const assuming =
      (accesses: readonly [RandomAccess, number | null][]): Program =>
      (mem, _thread, assume) =>
        accesses.map(([one, wanted]) => {
          const found = perform(mem, one) ?? null;
          if (wanted !== null && found !== null) assume(found === wanted);
          return found;
        });
    fc.assert(
      fc.property(program, program, program, (one, two, three) => {
        verifySame(3, [assuming(one), assuming(two), assuming(three)]);
      }),
      { numRuns: 200 },
    );
  });

  it('a rule that another thread breaks meanwhile is a failure all the same', () => {
    const picky: Program = (mem, _thread, assume) => assume(mem.load(X) === 1);
    const racy: Program = (mem) => mem.poke(X, 2);
    expect(exploreAll(1, [picky, racy]).kinds['failed']).toBeGreaterThan(0);
  });
});

/** Each thread puts four messages into a hash table of 128 slots. */
function indexer(mem: Memory, thread: number): void {
  for (let message = 1; message <= 4; message++) {
    const value = message * 11 + thread;
    let slot = (value * 7) % 128;
    while (mem.cas(word(slot), 0, value) !== 0) slot = (slot + 1) % 128;
  }
}

/**
 * One thread looks for the last zero of an array from the end; each other adds 1 to its neighbour.
 */
function lastZero(n: number): Program[] {
  const search: Program = (mem) => {
    let at = n;
    while (mem.load(word(at)) !== 0) at--;
  };
  const raise: Program = (mem, thread) => mem.store(word(thread), mem.load(word(thread - 1)) + 1);
  return [search, ...Array.from({ length: n }, () => raise)];
}

/** Threads give blocks to inodes: from 14 threads on, the first ones meet the last ones' blocks. */
const FILE_SYSTEM = { INODES: 32, BLOCKS: 26, WORDS: 2 * (32 + 26) };

const fileSystem: Program = (mem, thread, assume) => {
  const { INODES, BLOCKS } = FILE_SYSTEM;
  const [inodes, blocks] = [INODES + BLOCKS, INODES + BLOCKS + INODES];
  // The locks lie first: of the inodes, then of the blocks.
  const lock = (at: number): void => assume(mem.cas(word(at), 0, 1) === 0);
  const unlock = (at: number): void => mem.store(word(at), 0);
  const inode = thread % INODES;
  lock(inode);
  let block = (inode * 2) % BLOCKS;
  while (mem.peek(word(inodes + inode)) === 0) {
    lock(INODES + block);
    if (mem.peek(word(blocks + block)) === 0) {
      mem.poke(word(blocks + block), 1);
      mem.poke(word(inodes + inode), block + 1);
    }
    unlock(INODES + block);
    block = (block + 1) % BLOCKS;
  }
  unlock(inode);
};

/**
 * The number of traces is a property of a program, and published: Flanagan and Godefroid, POPL 2005
 * (indexer, file system); Abdulla, Aronis, Jonsson, Sagonas, POPL 2014 (last zero, readers).
 *
 * The file system's locks block. One attempt that is assumed to succeed does the same: executions
 * in which one fails are dismissed, and the others are those that are counted there.
 */
describe('the published numbers of traces', () => {
  const count = (words: number, programs: readonly Program[]): number => {
    const { executions, redundant, complete } = exploreAll(words, programs);
    expect({ redundant, complete }).toEqual({ redundant: 0, complete: true });
    return executions;
  };
  const times = (n: number, program: Program): Program[] =>
    Array.from({ length: n }, () => program);

  it.each([
    [11, 1],
    [12, 8],
    [13, 64],
  ])('indexer of %i threads: %i', (n, traces) => {
    expect(count(128, times(n, indexer))).toBe(traces);
  });

  it.each([
    [5, 64],
    [10, 3328],
  ])('last zero of %i: %i', (n, traces) => {
    expect(exploreAll(16, lastZero(n)).executions).toBe(traces);
  });

  it.each([
    [13, 1],
    [14, 2],
    [16, 8],
    [18, 32],
  ])('file system of %i threads: %i', (n, traces) => {
    expect(count(FILE_SYSTEM.WORDS, times(n, fileSystem))).toBe(traces);
  });

  it.each([2, 4, 8])('a writer and %i readers: 2^n', (n) => {
    const programs: Program[] = [(mem) => mem.store(X, 1), ...times(n, (mem) => mem.load(X))];
    expect(count(1, programs)).toBe(2 ** n);
  });

  it.each([
    [3, 6],
    [5, 120],
  ])('%i writers: n!', (n, traces) => {
    expect(
      count(
        1,
        times(n, (mem, thread) => mem.store(X, thread + 1)),
      ),
    ).toBe(traces);
  });
});

it('exploring twice gives the same steps', () => {
  const run = (): Explored => exploreAll(16, lastZero(4));
  expect(run()).toEqual(run());
});

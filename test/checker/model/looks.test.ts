/** Looks from outside: the reduction loses none of what `onReturn` and `always` can tell. */
import fc from 'fast-check';
import { type CheckResult, check, type Scenario, type Setup, type Stage } from 'ptfrag/model';
import { describe, expect, it } from 'vitest';
import type { Ending } from '#src/checker/model/ending.js';
import { explore } from '#src/checker/model/explore.js';
import { Stagehand } from '#src/checker/model/stagehand.js';

const [X, Y] = [0, 1];

function scenarioOf(threads: number, setup: (stage: Stage) => Setup, more = {}): Scenario {
  const base = { name: 'looker-vs-others', about: '', rules: [], mustSee: [] };
  return { ...base, words: 6, threads, ghostWords: 20, setup, ...more };
}

/** Explores with and without reduction; both must find the same, and end the same. */
function both(scenario: Scenario): CheckResult {
  const [few, all] = [check(scenario), check(scenario, { mode: { kind: 'naive' } })];
  expect(few.failure?.detail).toBe(all.failure?.detail);
  expect({ verdict: few.verdict, complete: few.complete }).toEqual({
    verdict: all.verdict,
    complete: all.complete,
  });
  return few;
}

describe('onReturn that looks', () => {
  const storeY = ({ memory }: Stage): Setup['threads'] => [
    [(): number => memory.load(X)],
    [(): void => memory.store(Y, 1)],
  ];

  it.each(['peek', 'load', 'glance'] as const)('at the memory, by %s', (verb) => {
    const looker = scenarioOf(2, (stage) => ({
      threads: storeY(stage),
      onReturn: (thread) => {
        if (thread === 0 && stage.memory[verb](Y) === 1) throw new Error('Y is stored');
      },
    }));
    expect(both(looker).failure?.detail).toBe('Y is stored');
  });

  it('at what another thread writes plainly', () => {
    const looker = scenarioOf(2, ({ memory }) => ({
      threads: [
        [(): number => memory.load(X)],
        [(): number => memory.load(2), (): void => memory.poke(Y, 1)],
      ],
      onReturn: (thread) => {
        if (thread === 0 && memory.peek(Y) === 1) throw new Error('Y is written');
      },
    }));
    expect(both(looker).failure?.detail).toBe('Y is written');
  });

  it("at another thread's ghost word", () => {
    const looker = scenarioOf(2, (stage) => ({
      threads: storeY(stage),
      onReturn: (thread) => {
        if (thread === 1) stage.ghost.set(0, 1);
        else if (stage.ghost.get(0) === 1) throw new Error('thread 1 was first');
      },
    }));
    expect(both(looker).failure?.detail).toBe('thread 1 was first');
  });

  it('and what it sees was seen: no scenario is vacuous because of the reduction', () => {
    const looker = scenarioOf(
      2,
      (stage) => ({
        threads: storeY(stage),
        onReturn: (thread) => {
          if (thread === 0) stage.see(stage.memory.peek(Y) === 1 ? 'late' : 'early');
        },
      }),
      { mustSee: ['late', 'early'] },
    );
    expect(both(looker).verdict).toBe('holds');
  });

  it('of a thread that a notify wakes, in the step that wakes it', () => {
    const looker = scenarioOf(
      3,
      ({ memory, ghost }) => ({
        threads: [
          [(): unknown => memory.awaitChange(X, 0)],
          [(): void => memory.notify(X)],
          [(): void => memory.store(Y, 1)],
        ],
        onReturn: (thread) => {
          if (thread === 0) ghost.set(0, 1 + memory.peek(Y));
        },
        atEnd: () => (ghost.get(0) === 2 ? [{ rule: 'seen', detail: 'Y when woken' }] : []),
      }),
      { earlyReturns: 1 },
    );
    expect(both(looker).failure?.detail).toBe('Y when woken');
  });

  it('costs nothing where it looks at results alone', () => {
    const blind = scenarioOf(2, (stage) => ({ threads: storeY(stage), onReturn: () => undefined }));
    expect(check(blind)).toMatchObject({ verdict: 'holds', executions: 1, steps: 2 });
  });
});

describe('is refused', () => {
  const failureOf = (setup: (stage: Stage) => Setup): string | undefined => {
    const { failure } = check(scenarioOf(2, setup));
    return failure?.rule === 'X5' ? failure.detail : `not X5: ${failure?.detail}`;
  };
  const load = ({ memory }: Stage): Setup['threads'] => [
    [(): number => memory.load(X)],
    [(): number => memory.load(X)],
  ];

  it.each([
    ['store', (memory) => memory.store(X, 1)],
    ['poke', (memory) => memory.poke(X, 1)],
    ['cas', (memory) => memory.cas(X, 0, 1)],
    ['fill', (memory) => memory.fill(X, 1, 1)],
    ['notify', (memory) => memory.notify(X)],
    ['awaitChange', (memory) => memory.awaitChange(X, 1)],
  ] as [string, (memory: Stage['memory']) => unknown][])(
    '%s in onReturn, in always',
    (verb, act) => {
      const onReturn = (stage: Stage): Setup => ({
        threads: load(stage),
        onReturn: () => void act(stage.memory),
      });
      const always = (stage: Stage): Setup => ({
        threads: load(stage),
        always: () => void act(stage.memory) as undefined,
      });
      expect(failureOf(onReturn)).toMatch(`onReturn does ${verb} of word 0: it may only look`);
      expect(failureOf(always)).toMatch(`always does ${verb} of word 0: it may only look`);
    },
  );

  it('a ghost word in an operation, which is run again, and a note of always', () => {
    const inOperation = ({ ghost }: Stage): Setup => ({
      threads: [[(): number => ghost.get(0)], [(): void => ghost.set(0, 1)]],
    });
    expect(failureOf(inOperation)).toMatch(/an operation uses a ghost word: .*onReturn/);
    const noting = (stage: Stage): Setup => ({
      threads: load(stage),
      always: () => void stage.ghost.set(0, 1) as undefined,
    });
    expect(failureOf(noting)).toBe('after a step: always notes a ghost word');
  });

  it.each([-1, 20, 0.5])('ghost word %d, which is none', (index) => {
    const noting = (stage: Stage): Setup => ({
      threads: load(stage),
      onReturn: () => stage.ghost.set(index, 1),
    });
    expect(failureOf(noting)).toMatch(`ghost word ${index} is none of the scenario's 20`);
  });
});

describe('always', () => {
  /** Two words that must be equal but for a moment of which nobody knows. */
  const pair = (always: (stage: Stage) => Setup['always']): Scenario =>
    scenarioOf(2, (stage) => ({
      threads: [
        [
          (): void => {
            stage.memory.store(X, 1);
            stage.memory.store(Y, 1);
          },
        ],
        [(): number => stage.memory.load(2)],
      ],
      always: always(stage),
    }));

  it('is asked after each step, also where all is well at the end', () => {
    const equal = pair(({ memory }) => () => {
      const [x, y] = [memory.peek(X), memory.peek(Y)];
      return x === y ? [] : [{ rule: 'equal', detail: `${x} and ${y}`, word: Y }];
    });
    const { failure } = both(equal);
    expect(failure).toMatchObject({ rule: 'equal', detail: '1 and 0', thread: null });
    expect(failure?.word?.number).toBe(Y);
    expect(failure?.schedule).toMatch(/^0~/);
    expect(failure?.steps).toHaveLength(1);
  });

  it('is asked about the start, may throw, and may return nothing', () => {
    const throwing = pair(() => () => {
      throw new RangeError('never');
    });
    expect(check(throwing).failure).toMatchObject({
      rule: 'RangeError',
      detail: 'after a step: never',
      schedule: '~811c',
    });
    expect(both(pair(() => () => undefined)).verdict).toBe('holds');
  });

  it('is asked about both orders of independent writes that it looks at', () => {
    const order = scenarioOf(2, ({ memory }) => ({
      threads: [[(): void => memory.store(X, 1)], [(): void => memory.store(Y, 1)]],
      always: () =>
        memory.peek(Y) > memory.peek(X) ? [{ rule: 'order', detail: 'Y first' }] : undefined,
    }));
    expect(both(order).failure?.detail).toBe('Y first');
  });

  it('is a function, and what it returns a list of findings: all else is refused', () => {
    for (const always of [5, null, 'x']) {
      expect(() => check(pair(() => always as never))).toThrow('always is');
    }
    for (const found of [null, true, 'x', Promise.resolve(), [1], [{ rule: 'x' }]]) {
      expect(() => check(pair(() => () => found as never))).toThrow('what is found after a step');
    }
  });
});

type RandomAccess = [string, number, number];
const access = fc.tuple(
  fc.constantFrom('load', 'store', 'cas', 'add', 'nap', 'sleep', 'notify', 'poke'),
  fc.nat({ max: 2 }),
  fc.nat({ max: 2 }),
);

/** Plainly each thread writes a word of its own. */
function perform(memory: Stage['memory'], thread: number, [verb, at, a]: RandomAccess): unknown {
  if (verb === 'poke') return memory.poke(3 + thread, a);
  if (verb === 'load') return memory.load(at);
  if (verb === 'store') return memory.store(at, a);
  if (verb === 'cas') return memory.cas(at, 0, a);
  if (verb === 'add') return memory.add(at, a);
  if (verb === 'nap') return memory.awaitChange(at, a, 1);
  if (verb === 'sleep') return memory.awaitChange(at, a);
  return memory.notify(at, 1);
}

/** What `onReturn` does after an operation: looks at words, notes what it saw, tells a ghost. */
const look = fc.record({
  memory: fc.option(fc.nat({ max: 5 })),
  hears: fc.option(fc.nat({ max: 1 })),
  tells: fc.option(fc.nat({ max: 1 })),
});
const operation = fc.record({ accesses: fc.array(access, { minLength: 1, maxLength: 2 }), look });
interface RandomLook {
  readonly memory: number | null;
  readonly hears: number | null;
  readonly tells: number | null;
}
interface RandomOperation {
  readonly accesses: readonly RandomAccess[];
  readonly look: RandomLook;
}

/** Ghost words by which threads tell each other; behind them each operation's own. */
const GHOSTS_TOLD = 2;

/** What is seen in all executions, of which none is the last. */
function explored(scenario: Scenario, reduce: boolean, see: (end: string) => void): void {
  const { machine } = new Stagehand(scenario);
  const onEnd = (ending: Ending): boolean => {
    const words = Array.from({ length: 6 }, (_, at) => machine.state.view(at));
    const ghosts = Array.from({ length: 20 }, (_, index) => machine.state.getGhost(index));
    const results = [0, 1, 2].map((thread) => machine.resultsOf(thread));
    see(JSON.stringify([ending, words, ghosts, results]));
    return false;
  };
  expect(explore(machine, { reduce, stepsMax: 1e6, onEnd }).complete).toBe(true);
}

/** All ends of random threads whose onReturn looks, notes and tells. */
function endsOf(threads: readonly RandomOperation[][], reduce: boolean): string[] {
  const ends = new Set<string>();
  const scenario = scenarioOf(threads.length, ({ memory, ghost }) => ({
    threads: threads.map((operations, thread) =>
      operations.map(
        ({ accesses }) =>
          (): unknown =>
            accesses.map((one) => perform(memory, thread, one) ?? null),
      ),
    ),
    onReturn: (thread, at) => {
      const operations = threads[thread] as RandomOperation[];
      const { memory: looksAt, hears, tells } = (operations[at] as RandomOperation).look;
      const seen = looksAt === null ? 0 : memory.peek(looksAt);
      const heard = hears === null ? 0 : ghost.get(hears);
      ghost.set(GHOSTS_TOLD + thread * 4 + at, 1 + seen * 10 + heard * 100);
      if (tells !== null) ghost.set(tells, thread + 1);
    },
  }));
  explored(scenario, reduce, (end) => ends.add(end));
  return [...ends].sort();
}

it('an operation that returns in its step or not: what is looked at then is another thing', () => {
  const blind: RandomOperation['look'] = { memory: null, hears: null, tells: null };
  const threads: RandomOperation[][] = [
    [{ accesses: [['nap', 2, 2]], look: { ...blind, hears: 0 } }],
    [
      {
        accesses: [
          ['load', 0, 0],
          ['cas', 2, 2],
        ],
        look: blind,
      },
    ],
    [{ accesses: [['load', 0, 0]], look: { ...blind, tells: 0 } }],
  ];
  expect(endsOf(threads, true)).toEqual(endsOf(threads, false));
  expect(endsOf(threads, true)).toHaveLength(3);
});

it('random programs whose onReturn looks: the reduction sees the same ends', () => {
  const two = fc.array(operation, { minLength: 1, maxLength: 2 });
  const one = fc.array(operation, { minLength: 1, maxLength: 1 });
  const programs = fc.oneof(fc.tuple(two, two), fc.tuple(one, one, one), fc.tuple(one, two, one));
  fc.assert(
    fc.property(programs, (threads) => {
      expect(endsOf(threads, true)).toEqual(endsOf(threads, false));
    }),
    { numRuns: 120 },
  );
});

it('random programs that are looked at always: the reduction sees the same states', () => {
  const program = fc.array(access, { minLength: 1, maxLength: 3 });
  const statesOf = (threads: readonly RandomAccess[][], reduce: boolean): string[] => {
    const states = new Set<string>();
    const scenario = scenarioOf(threads.length, ({ memory }) => ({
      threads: threads.map((one, thread) =>
        one.map((each) => (): unknown => perform(memory, thread, each)),
      ),
      // What it looks at depends on what it finds.
      always: () => {
        const first = memory.peek(X);
        states.add(`${first} ${first === 1 ? memory.peek(Y) : memory.peek(4)}`);
        return undefined;
      },
    }));
    explored(scenario, reduce, (end) => states.add(end));
    return [...states].sort();
  };
  fc.assert(
    fc.property(fc.array(program, { minLength: 2, maxLength: 3 }), (threads) => {
      expect(statesOf(threads, true)).toEqual(statesOf(threads, false));
    }),
    { numRuns: 120 },
  );
});

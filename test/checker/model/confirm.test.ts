/** Operations that are not what they were when they are run again: told as that, and by whom. */
import {
  type CheckResult,
  check,
  type Failure,
  replay,
  type Scenario,
  type Setup,
  type Stage,
} from 'ptfrag/model';
import { describe, expect, it } from 'vitest';
import { isSame } from '#src/checker/model/same.js';

const X = 0;

function scenarioOf(setup: (stage: Stage) => Setup, more: Partial<Scenario> = {}): Scenario {
  const base = { name: 'cheater-vs-other', about: '', rules: [], mustSee: [], ghostWords: 1 };
  return { ...base, words: 3, threads: 2, setup, ...more };
}

const other = ({ memory }: Stage): [() => void] => [(): void => memory.store(X, 1)];
const wrong = (is: boolean): { rule: string; detail: string }[] =>
  is ? [{ rule: 'wrong', detail: 'it is wrong' }] : [];

function looksTwice({ memory }: Stage): void {
  memory.load(X);
  memory.load(X);
}

/** Each does the same accesses whenever it is run, and something else is different. */
const CHEATS: readonly [string, Scenario, number][] = [
  [
    'a variable that is counted up',
    scenarioOf((stage) => {
      let runs = 0;
      const count = (): number => {
        runs++;
        looksTwice(stage);
        return runs;
      };
      return { threads: [[count], other(stage)], atEnd: ([own]) => wrong(own?.[0] !== 1) };
    }),
    0,
  ],
  [
    'an array that is pushed to',
    scenarioOf((stage) => {
      const list: number[] = [];
      const push = (): number[] => {
        list.push(1);
        looksTwice(stage);
        return [...list];
      };
      const push2 = (): void => looksTwice(stage);
      return { threads: [[push2, push], other(stage)], atEnd: () => wrong(list.length !== 1) };
    }),
    1,
  ],
  [
    "a result of the thread's own that is changed",
    scenarioOf((stage) => {
      const make = (): number[] => [stage.memory.load(X)];
      const change = ([list]: readonly unknown[]): number => {
        const all = list as number[];
        all.push(1);
        looksTwice(stage);
        return all.length;
      };
      return { threads: [[make, change], other(stage)], atEnd: ([own]) => wrong(own?.[1] !== 2) };
    }),
    0,
  ],
  [
    'an error that is thrown only when it is run again',
    scenarioOf((stage) => {
      let runs = 0;
      const throws = (): void => {
        looksTwice(stage);
        if (++runs > 1) throw new Error('again');
      };
      // Another look behind it makes it run again in the second execution.
      return { threads: [[throws], [(): number => stage.memory.add(X, 1)]] };
    }),
    0,
  ],
];

describe('what an operation keeps outside of the memory', () => {
  it.each(CHEATS)('%s: X2, with the operation, and no rule of the scenario', (...cheat) => {
    const [, scenario, operation] = cheat;
    for (const keepSchedule of [true, false]) {
      const { verdict, failure } = check(scenario, { keepSchedule });
      expect(verdict).toBe('violated');
      expect(failure).toMatchObject({ rule: 'X2', thread: 0 });
      expect(failure?.detail).toMatch(`operation ${operation}, run alone and once, `);
      expect(failure?.detail).toMatch('It depends on something outside of the memory');
    }
  });

  it('an object that threads share', () => {
    const sharing = scenarioOf(({ memory }) => {
      const box = { value: 0 };
      const put = (): void => {
        memory.load(X);
        box.value = 1;
      };
      const get = (): number => {
        memory.load(X);
        return box.value;
      };
      return { threads: [[put], [get]], atEnd: ([, own]) => wrong(own?.[0] === 1) };
    });
    const { failure } = check(sharing);
    expect(failure).toMatchObject({ rule: 'X2', thread: 1 });
    expect(failure?.detail).toMatch('returned 0; in the execution it returned 1');
    expect(replay(sharing, failure?.schedule ?? '').failure?.rule).toBe('X2');
  });

  it('hides no failure: an execution in which nothing fails is looked at, too', () => {
    const hiding = scenarioOf((stage) => {
      let runs = 0;
      const count = (): number => {
        const own = runs++;
        looksTwice(stage);
        return own;
      };
      return { threads: [[count], other(stage)], atEnd: ([own]) => wrong(own?.[0] === 0) };
    });
    expect(check(hiding).failure?.rule).toBe('X2');
  });
});

describe('what is kept from one execution to the next', () => {
  const sound = (stage: Stage): Setup['threads'] => [[(): void => looksTwice(stage)], other(stage)];
  const leaking: readonly [string, (stage: Stage) => Setup][] = [
    [
      'by onReturn',
      (stage): Setup => {
        let returned = 0;
        return {
          threads: sound(stage),
          onReturn: () => void returned++,
          atEnd: () => wrong(returned !== 2),
        };
      },
    ],
    [
      'by atEnd',
      (stage): Setup => {
        let ends = 0;
        return { threads: sound(stage), atEnd: () => wrong(++ends > 1) };
      },
    ],
    [
      'by always',
      (stage): Setup => {
        let asked = 0;
        return { threads: sound(stage), always: () => wrong(++asked > 5) };
      },
    ],
  ];

  it.each(leaking)('%s: X2, which says what a fresh start finds', (_who, setup) => {
    const failureOf = (result: CheckResult): Failure | null => result.failure;
    const failure = failureOf(check(scenarioOf(setup), { keepSchedule: true }));
    expect(failure).toMatchObject({ rule: 'X2', thread: null });
    expect(failure?.detail).toMatch(/^found wrong \(it is wrong\); from a fresh start, /);
    expect(failure?.detail).toMatch('finds nothing wrong');
  });

  it('by nobody, where it lies in a ghost word', () => {
    const counted = scenarioOf((stage) => ({
      threads: sound(stage),
      onReturn: () => stage.ghost.set(0, stage.ghost.get(0) + 1),
      atEnd: () => wrong(stage.ghost.get(0) !== 2),
    }));
    expect(check(counted).verdict).toBe('holds');
  });
});

describe('what is no cheat is told as it is', () => {
  it.each<[string, (stage: Stage) => Setup['threads'], string]>([
    [
      'an error after some accesses',
      (stage) => [
        [
          (): void => {
            looksTwice(stage);
            throw new RangeError('mine');
          },
        ],
        other(stage),
      ],
      'RangeError',
    ],
    [
      'a thread that waits for ever',
      ({ memory }) => [[(): unknown => memory.awaitChange(1, 0)], [(): number => memory.load(X)]],
      'progress',
    ],
    [
      'a race, while another thread has just been woken',
      ({ memory }) => [
        [
          (): number => {
            memory.awaitChange(1, 0);
            return memory.load(X);
          },
        ],
        [
          (): void => {
            memory.store(1, 1);
            memory.notify(1);
            memory.poke(2, 1);
          },
        ],
        [(): number => memory.peek(2)],
      ],
      'race',
    ],
    [
      'an error beside a thread that assumes what is not so',
      (stage) => [
        [
          (): void => {
            stage.assume(stage.memory.load(X) === 5);
          },
        ],
        [
          (): void => {
            looksTwice(stage);
            throw new RangeError('mine');
          },
        ],
      ],
      'RangeError',
    ],
  ])('%s', (_what, threads, rule) => {
    const scenario = scenarioOf((stage) => ({ threads: threads(stage) }));
    const count = threads({} as Stage).length;
    for (const keepSchedule of [true, false]) {
      expect(check({ ...scenario, threads: count }, { keepSchedule }).failure?.rule).toBe(rule);
    }
  });
});

it('results are compared by what is in them, and what has a class by its class', () => {
  const ring: unknown[] = [1];
  ring.push(ring);
  const other: unknown[] = [1];
  other.push(other);
  const same: readonly [unknown, unknown][] = [
    [{ a: [1, { b: Number.NaN }] }, { a: [1, { b: Number.NaN }] }],
    [ring, other],
    [new Map([[1, 2]]), new Map([[3, 4]])],
    [() => 1, () => 2],
    [Symbol('x'), Symbol('x')],
    [new Error('x'), new Error('x')],
    [Object.create(null), Object.create(null)],
  ];
  for (const [one, two] of same) expect(isSame(one, two)).toBe(true);
  const different: readonly [unknown, unknown][] = [
    [0, -0],
    [1, '1'],
    [[1], [1, 2]],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [null, {}],
    [undefined, null],
    [[], {}],
    [new Error('x'), new Error('y')],
    [new Map(), new Set()],
    [() => 1, 1],
    [Symbol('x'), Symbol('y')],
  ];
  for (const [one, two] of different) expect(isSame(one, two)).toBe(false);
});

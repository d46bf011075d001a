/** Threads that others begin, and wait for. */
import { describe, expect, it } from 'vitest';
import { check, type Scenario, type Setup, type Stage } from '#src/checker/model/index.js';
import { endsOf } from '../../support/random.js';

const [X, SEEN] = [0, 1];

function scenarioOf(
  threads: number,
  setup: (stage: Stage) => Setup,
  more: Partial<Scenario> = {},
): Scenario {
  const all = Array.from({ length: threads - 1 }, (_, at) => at + 1);
  return {
    name: 'spawning',
    about: '',
    rules: [],
    words: 2,
    threads,
    spawned: all,
    setup,
    ...more,
  };
}

describe('a thread that is spawned', () => {
  it('comes after what its spawner did, and before what comes behind a join', () => {
    const passes = scenarioOf(2, ({ memory, spawn, join }) => ({
      threads: [
        [
          () => {
            memory.poke(X, 1);
            spawn(1);
            join(1);
            return memory.peek(SEEN);
          },
        ],
        [() => memory.poke(SEEN, memory.peek(X))],
      ],
      atEnd: ([main]) => (main?.[0] === 1 ? [] : [{ rule: 'seen', detail: `${main}` }]),
    }));
    for (const kind of ['exhaustive', 'states', 'naive'] as const) {
      expect(check(passes, { mode: { kind } })).toMatchObject({ verdict: 'holds', complete: true });
    }
    expect(check({ ...passes, waitsOrder: false, earlyReturns: 1 }).verdict).toBe('holds');
  });

  it('runs beside its spawner until it is joined', () => {
    const races = scenarioOf(2, ({ memory, spawn }) => ({
      threads: [
        [
          () => {
            spawn(1);
            memory.poke(X, 1);
          },
        ],
        [() => memory.peek(X)],
      ],
    }));
    expect(check(races).failure?.rule).toBe('race');
  });

  it('does nothing until then, and is not waited for if it never is', () => {
    const never = scenarioOf(2, ({ memory }) => ({
      threads: [[() => memory.load(X)], [() => memory.store(X, 1), () => undefined]],
      atEnd: ([main, other]) =>
        main?.[0] === 0 && other?.length === 0 ? [] : [{ rule: 'seen', detail: `${main}` }],
    }));
    expect(check(never)).toMatchObject({ verdict: 'holds', executions: 1, steps: 1 });
    const joined = scenarioOf(2, ({ join }) => ({ threads: [[() => join(1)], [() => undefined]] }));
    expect(check(joined).failure).toMatchObject({
      rule: 'progress',
      detail: 'thread 0 would wait for ever',
    });
  });

  it('may spawn others, and return what it found', () => {
    const tree = scenarioOf(3, ({ memory, spawn, join }) => ({
      threads: [
        [() => spawn(1), () => join(1)],
        [() => spawn(2), () => [memory.add(X, 1), join(2)][0]],
        [() => memory.add(X, 10)],
      ],
      atEnd: (results) => {
        const found = [results[1]?.[1], results[2]?.[0]].join();
        const isRight = memory.peek(X) === 11 && (found === '0,1' || found === '10,0');
        return isRight ? [] : [{ rule: 'sum', detail: found }];
      },
    }));
    expect(check(tree).verdict).toBe('holds');
    const [all, few, states] = (['naive', 'reduced', 'states'] as const).map((way) =>
      endsOf(tree, way),
    );
    expect([few, states]).toEqual([all, all]);
  });

  it('is spawned once, is one of those that may be, and its words are no others', () => {
    const failureOf = (operation: (stage: Stage) => void): string | undefined => {
      const scenario = scenarioOf(2, (stage) => ({
        threads: [[() => operation(stage)], [() => stage.memory.load(X)]],
      }));
      const { failure } = check(scenario);
      return failure === null ? undefined : `${failure.rule}: ${failure.detail}`;
    };
    const twice = ({ spawn }: Stage): void => {
      spawn(1);
      spawn(1);
    };
    expect(failureOf(twice)).toBe('spawn: a thread is spawned that has begun already');
    expect(failureOf(({ spawn }) => spawn(0))).toMatch(/^RangeError: thread 0 is none of those/);
    expect(failureOf(({ join }) => join(7))).toMatch(/^RangeError: thread 7 is none of those/);
    expect(failureOf(({ memory }) => memory.store(2, 1))).toMatch(/^X2: an access of word 2/);
    expect(failureOf(({ memory }) => memory.fill(1, 2, 1))).toMatch(
      /^X2: an access of word 1 to 2/,
    );
    for (const spawned of [1, [2], [0, 1], ['1'], [-1]]) {
      const wrong = scenarioOf(2, () => ({ threads: [[], []] }), { spawned: spawned as number[] });
      expect(() => check(wrong)).toThrow(/spawned is/);
    }
  });

  it('is named in a failure, and so is what it waits on', () => {
    const forgets = scenarioOf(2, ({ memory, spawn, join }) => ({
      threads: [[() => spawn(1), () => join(1)], [() => memory.awaitChange(X, 0)]],
      threadNames: ['main', 'worker'],
    }));
    const { failure } = check(forgets);
    expect(failure?.detail).toBe('main and worker would wait for ever');
    const names = failure?.steps.map(({ verb, word }) => `${verb} ${word.name}`);
    expect(names).toContain('notify begin of worker');
    expect(names).toContain('load end of worker');
  });
});

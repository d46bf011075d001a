/**
 * Loops that remember something: whether they are taken for what they are where states are
 * explored. And what goes on for ever.
 */
import { describe, expect, it } from 'vitest';
import { check, replay, type Scenario } from '#src/checker/model/index.js';
import { STATES, scenarioOf } from '../../support/scenario.js';

describe('a loop that acts on how often it went round', () => {
  it.each([1, 2, 3, 5, 8, 12])('%i times: what it does then is found', (most) => {
    const throws = scenarioOf(1, 2, ({ memory }) => ({
      threads: [
        [
          () => {
            let rounds = 0;
            while (memory.load(0) !== 5) rounds++;
            if (rounds >= most) throw new Error('often');
          },
        ],
        [() => memory.store(0, 5)],
      ],
    }));
    expect(check(throws, STATES).failure?.detail).toBe('often');
    const stores = scenarioOf(3, 2, ({ memory }) => ({
      threads: [
        [
          () => {
            for (let rounds = 0; memory.load(0) !== 5; rounds++) {
              memory.load(1);
              if (rounds + 1 === most) memory.store(2, 1);
            }
          },
        ],
        [() => memory.store(0, 5)],
      ],
      atEnd: () => (memory.peek(2) === 0 ? [] : [{ rule: 'often', detail: '' }]),
    }));
    expect(check(stores).failure?.rule).toBe('often');
  });

  it('in a circle, or by which values it has seen in which order', () => {
    const circle = scenarioOf(1, 2, ({ memory }) => {
      const pass = (throws: boolean) => (): void => {
        let place = 0;
        while (memory.cas(0, 0, 1) !== 0) {
          place = (place + 1) % 7;
          if (throws && place === 6) throw new Error('six');
        }
        memory.store(0, 0);
      };
      return { threads: [[pass(true)], [pass(false)]] };
    });
    expect(check(circle).failure?.detail).toBe('six');
    const inOrder = scenarioOf(1, 2, ({ memory }) => ({
      threads: [
        [
          () => {
            for (let wanted = 1; ; ) {
              const found = memory.load(0);
              if (found === wanted) wanted++;
              if (found === 9 && wanted === 6) throw new Error('all seen');
              if (found === 9) return;
            }
          },
        ],
        [1, 2, 3, 4, 5, 9].map((value) => () => memory.store(0, value)),
      ],
    }));
    expect(check(inOrder, STATES).failure?.detail).toBe('all seen');
  });

  it('by twos, or whose result is that: explored whole', () => {
    const byTwos = scenarioOf(
      1,
      2,
      ({ memory, see }) => ({
        threads: [
          [
            () => {
              let place = 0;
              while (memory.load(0) === 0) place = 1 - place;
              return place;
            },
          ],
          [() => memory.store(0, 1)],
        ],
        onReturn: (thread, _, result) => {
          if (thread === 0) see(`${result}`);
        },
      }),
      { mustSee: ['0', '1'] },
    );
    expect(check(byTwos)).toMatchObject({ verdict: 'holds', complete: true });
  });

  it('so often that it can be followed, but not tried quickly: no failure, and no wait', () => {
    const long = scenarioOf(4, 2, ({ memory }) => ({
      threads: [
        [
          () => {
            for (let round = 0; round < 400; round++) for (const at of [0, 1, 2]) memory.load(at);
            memory.store(3, 1);
          },
        ],
        [
          () => {
            while (memory.load(3) === 0);
          },
        ],
      ],
    }));
    expect(check(long)).toMatchObject({ verdict: 'holds', complete: true });
  });

  it('or changes that it has seen, too far away: inconclusive, not a failure', () => {
    const far = scenarioOf(1, 2, ({ memory }) => ({
      forEver: [1],
      threads: [
        [
          () => {
            for (let [seen, last] = [0, 0]; seen < 600; ) {
              const found = memory.load(0);
              if (found !== last) seen++;
              last = found;
            }
          },
        ],
        [() => memory.xor(0, 1)],
      ],
    }));
    const { verdict, bound } = check(far);
    expect(verdict).toBe('inconclusive');
    expect(bound).toMatch(/^states: a loop goes round, and may come to an end/);
  });
});

describe('results', () => {
  it('given to an operation are those of its thread, of this execution alone', () => {
    const last = scenarioOf(1, 2, ({ memory }) => ({
      threads: [
        [
          () => memory.load(0),
          (results) => {
            if (results.at(-1) === 1) throw new Error('seen');
            return 5;
          },
        ],
        [() => memory.store(0, 1)],
      ],
    }));
    const counted = scenarioOf(2, 2, ({ memory }) => ({
      threads: [
        [
          () => memory.load(0),
          (results) => {
            if (results.length !== 1) throw new Error(`${results.length} results`);
            return memory.load(1);
          },
          () => 7,
        ],
        [() => memory.store(0, 1), () => memory.store(1, 1)],
      ],
    }));
    for (const kind of ['exhaustive', 'naive', 'states'] as const) {
      expect(check(last, { mode: { kind } }).failure?.detail).toBe('seen');
      expect(check(counted, { mode: { kind } }).verdict).toBe('holds');
    }
  });

  it.each([
    [
      'functions',
      (value: number) => (): number => value,
      (result: unknown) => (result as () => number)(),
    ],
    [
      'long arrays',
      (value: number) => Array(65).fill(value),
      (result: unknown) => (result as number[])[0],
    ],
  ] as const)('may be %s', (_, make, read) => {
    const made = scenarioOf(2, 2, ({ memory }) => {
      const twice = [
        (): unknown => make(memory.load(0)),
        ([result]: readonly unknown[]): number => memory.add(1, read(result) as number),
      ];
      return { threads: [twice, [...twice, (): void => memory.store(0, 1)]] };
    });
    expect(check(made, STATES)).toMatchObject({ verdict: 'holds', complete: true });
  });
});

describe('threads that go on for ever', () => {
  it('know what earlier operations of the round returned', () => {
    const grows = (endless: number): Scenario =>
      scenarioOf(2, 2, ({ memory }) => {
        const looks = [
          (): number => memory.load(0),
          ([old]: readonly unknown[]): void => {
            memory.load(1);
            if (memory.load(0) < (old as number)) throw new Error('went back');
          },
        ];
        const stores = [1, 2].map((value) => (): void => memory.store(0, value));
        return { forEver: [endless], threads: endless === 0 ? [looks, stores] : [stores, looks] };
      });
    for (const endless of [0, 1]) expect(check(grows(endless)).verdict).toBe('holds');
  });

  it('and wait for each other for ever: all of them, or while others have not ended', () => {
    const sleeps = scenarioOf(2, 2, ({ memory }) => ({
      forEver: [0, 1],
      threads: [[() => memory.awaitChange(0, 0)], [() => memory.awaitChange(1, 0)]],
    }));
    expect(check(sleeps).failure?.detail).toBe('thread 0 and thread 1 would wait for ever');
    const spins = scenarioOf(1, 1, ({ memory }) => ({
      forEver: [0],
      threads: [
        [
          () => {
            while (memory.load(0) === 0);
          },
        ],
      ],
    }));
    expect(check(spins).failure?.rule).toBe('progress');
    const serves = scenarioOf(1, 2, ({ memory }) => ({
      forEver: [1],
      threads: [[() => memory.store(0, 1)], [() => memory.awaitChange(0, 1)]],
    }));
    expect(check(serves).verdict).toBe('holds');
  });

  it('and make no step are X7, at once', () => {
    const plain = scenarioOf(1, 1, ({ memory }) => ({
      forEver: [0],
      threads: [[() => memory.poke(0, 1)]],
    }));
    expect(check(plain).failure).toMatchObject({ rule: 'X7' });
  });

  it('tell how far they have come, and stop when told', () => {
    const counts = scenarioOf(2, 1, ({ memory }) => ({
      forEver: [0],
      threads: [[() => memory.add(0, 1)]],
    }));
    const control = new AbortController();
    const told: number[] = [];
    const onProgress = ({ states }: { readonly states: number }): void => {
      told.push(states);
      if (states > 8_000) control.abort(new Error('enough'));
    };
    expect(() => check(counts, { onProgress, signal: control.signal })).toThrow('enough');
    expect(told.at(-1)).toBeGreaterThan(8_000);
  });
});

describe('a thread that gives up after some rounds', () => {
  const givesUp = scenarioOf(1, 2, ({ memory }) => ({
    threads: [
      [
        () => {
          for (let round = 0; round < 3; round++) if (memory.load(0) === 1) return;
          throw new Error('gave up');
        },
      ],
      [() => memory.store(0, 1)],
    ],
  }));

  it.each([
    { kind: 'bounded', preemptions: 0 },
    { kind: 'random', seed: 1, executions: 200 },
    { kind: 'pct', seed: 1, executions: 200, depth: 2 },
  ] as const)('does so in mode $kind', (mode) => {
    expect(check(givesUp, { mode }).failure?.detail).toBe('gave up');
  });
});

it('a schedule says the same again where a wait might have ended early', () => {
  const waits = scenarioOf(
    1,
    1,
    ({ memory }) => ({ threads: [[() => memory.awaitChange(0, 0)]] }),
    {
      earlyReturns: 1,
    },
  );
  const { failure } = check(waits);
  expect(failure?.rule).toBe('progress');
  expect(replay(waits, failure?.schedule ?? '').failure).toMatchObject({ rule: 'progress' });
});

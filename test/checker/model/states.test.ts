/** Exploring by states: locks and loops that have no end, and who is kept out for ever. */
import { describe, expect, it } from 'vitest';
import {
  check,
  type Failure,
  formatFailure,
  replay,
  type Scenario,
  type Stage,
} from '#src/checker/model/index.js';
import { endsOf } from '../../support/random.js';
import { STATES, scenarioOf } from '../../support/scenario.js';

const [LOCK, COUNT] = [0, 1];

/** Threads that each count once in a lock, which `sleeps` or goes round. */
function mutex(threads: number, sleeps: boolean): Scenario {
  return scenarioOf(2, threads, ({ memory }) => {
    const count = (): void => {
      while (memory.cas(LOCK, 0, 1) !== 0) if (sleeps) memory.awaitChange(LOCK, 1);
      memory.poke(COUNT, memory.peek(COUNT) + 1);
      memory.store(LOCK, 0);
      if (sleeps) memory.notify(LOCK, 1);
    };
    const ends = (): boolean => memory.peek(COUNT) === threads;
    return {
      threads: Array.from({ length: threads }, () => [count]),
      atEnd: () => (ends() ? [] : [{ rule: 'count', detail: `${memory.peek(COUNT)}` }]),
    };
  });
}

/** A buffer of any size, a lock around it, and getters that wait while it is empty. */
function buffer(getters: number, puts: number): Scenario {
  const [CHANGES, FULL] = [1, 2];
  return scenarioOf(3, getters + 1, ({ memory }) => {
    const lock = (): void => {
      while (memory.cas(LOCK, 0, 1) !== 0) memory.awaitChange(LOCK, 1);
    };
    const unlock = (): void => {
      memory.store(LOCK, 0);
      memory.notify(LOCK, 1);
    };
    const get = (): void => {
      lock();
      while (memory.peek(FULL) === 0) {
        const seen = memory.load(CHANGES);
        unlock();
        memory.awaitChange(CHANGES, seen);
        lock();
      }
      memory.poke(FULL, memory.peek(FULL) - 1);
      unlock();
    };
    const put = (): void => {
      lock();
      memory.poke(FULL, memory.peek(FULL) + 1);
      memory.add(CHANGES, 1);
      memory.notify(CHANGES);
      unlock();
    };
    const getting = Array.from({ length: getters }, () => [get]);
    return { threads: [...getting, Array.from({ length: puts }, () => put)] };
  });
}

/** Goes round until a word is something else than it was. */
function spin({ memory }: Stage, word: number, seen: number): number {
  for (;;) {
    const found = memory.load(word);
    if (found !== seen) return found;
  }
}

describe('programs of which many executions are few states', () => {
  it('a mutex of four threads, a bounded buffer of two getters: whole', () => {
    expect(check(mutex(4, true), STATES)).toMatchObject({ verdict: 'holds', complete: true });
    expect(check(buffer(2, 2), STATES)).toMatchObject({ verdict: 'holds', complete: true });
    expect(check(buffer(2, 1), STATES).failure?.detail).toMatch(/^thread [01] would wait for ever/);
  });

  it('that a mutex does not count in is found', () => {
    const torn = scenarioOf(2, 3, ({ memory }) => {
      const count = (): void => memory.store(COUNT, memory.load(COUNT) + 1);
      const wrong = { rule: 'count', detail: 'lost' };
      return {
        threads: [[count], [count], [count]],
        atEnd: () => (memory.peek(COUNT) === 3 ? [] : [wrong]),
      };
    });
    const { failure } = check(torn, STATES);
    expect(failure).toMatchObject({ rule: 'count', detail: 'lost' });
    expect(replay(torn, failure?.schedule ?? '').failure).toMatchObject({ rule: 'count' });
  });

  it('have as many states as there are, whatever led to them', () => {
    const [two, three] = [2, 3].map((threads) => check(mutex(threads, false), STATES).states);
    expect([two, three]).toEqual([10, 74]);
    expect(check(mutex(2, true)).states).toBe(null);
  });

  it('are told apart by who comes after whom, and by who has slept for longest', () => {
    const [SAID, ONE, TWO, DATA] = [0, 1, 2, 3];
    // Only where the first thread stored last does the reader learn nothing of the second's poke.
    const racing = scenarioOf(4, 3, ({ memory }) => ({
      threads: [
        [() => [memory.store(SAID, 1), memory.store(ONE, 1)]],
        [() => [memory.poke(DATA, 1), memory.store(SAID, 1), memory.store(TWO, 1)]],
        [
          () => {
            const isReady = memory.glance(ONE) + memory.glance(TWO) === 2;
            return isReady && memory.load(SAID) === 1 ? memory.peek(DATA) : 0;
          },
        ],
      ],
    }));
    expect(check(racing, STATES).failure?.rule).toBe('race');
    const sleeping = scenarioOf(1, 3, ({ memory }) => ({
      threads: [
        [() => memory.awaitChange(LOCK, 0)],
        [() => memory.awaitChange(LOCK, 0)],
        [() => memory.notify(LOCK, 1)],
      ],
    }));
    expect(endsOf(sleeping, 'states')).toEqual(endsOf(sleeping, 'naive'));
    const early = scenarioOf(
      1,
      2,
      ({ memory }) => ({
        threads: [
          [() => [memory.awaitChange(LOCK, 0), memory.awaitChange(LOCK, 0)].length],
          [() => memory.notify(LOCK, 1)],
        ],
      }),
      { earlyReturns: 1 },
    );
    expect(endsOf(early, 'states')).toEqual(endsOf(early, 'naive'));
  });
});

describe('loops that have no end', () => {
  it('a lock that goes round holds, in whatever way it is explored', () => {
    expect(check(mutex(3, false))).toMatchObject({ verdict: 'holds', complete: true, bound: null });
    const modes = [
      { kind: 'bounded', preemptions: 1 },
      { kind: 'random', seed: 1, executions: 100 },
      { kind: 'pct', seed: 1, executions: 100, depth: 3 },
    ] as const;
    for (const mode of modes) expect(check(mutex(3, false), { mode }).verdict).toBe('holds');
  });

  it('with a mistake in them are a short failure', () => {
    const lock = mutex(2, false);
    const forgets: Scenario = {
      ...lock,
      setup: (stage) => {
        const { memory } = stage;
        const count = (): void => {
          while (memory.load(LOCK) !== 0);
          memory.store(LOCK, 1);
          memory.poke(COUNT, memory.peek(COUNT) + 1);
          memory.store(LOCK, 0);
        };
        return { threads: [[count], [count]] };
      },
    };
    const { failure } = check(forgets);
    expect(failure?.rule).toBe('race');
    expect(failure?.steps.length).toBeLessThan(9);
  });

  it('see each value that passes by', () => {
    const pulses = scenarioOf(
      1,
      2,
      (stage) => ({
        threads: [
          [() => spin(stage, LOCK, 0)],
          [1, 0, 2].map((value) => () => stage.memory.store(LOCK, value)),
        ],
        onReturn: (thread, _, result) => {
          if (thread === 0) stage.see(`${result}`);
        },
      }),
      { mustSee: ['1', '2'] },
    );
    expect(check(pulses).verdict).toBe('holds');
  });

  it('that nobody ends are found, with the round that they go', () => {
    const left = scenarioOf(2, 2, (stage) => ({
      threads: [[() => spin(stage, LOCK, 0)], [() => stage.memory.store(COUNT, 1)]],
    }));
    const { failure, verdict } = check(left);
    expect(verdict).toBe('violated');
    expect(failure).toMatchObject({ rule: 'progress' });
    const said = 'thread 0 would wait for ever: the last step leads back to where they began';
    expect(failure?.detail).toBe(said);
    expect(replay(left, failure?.schedule ?? '').failure).toMatchObject({
      rule: 'progress',
      detail: said,
    });
  });

  it('are told from loops that count their rounds, short or long', () => {
    const counting = (most: number): Scenario =>
      scenarioOf(
        3,
        2,
        ({ memory, see }) => ({
          threads: [
            [
              () => {
                let rounds = 0;
                while (memory.load(LOCK) === 0) if (++rounds === most) memory.store(LOCK, 2);
                return rounds;
              },
            ],
            [() => void memory.cas(LOCK, 0, 1)],
          ],
          onReturn: (thread, _, result) => {
            if (thread === 0) see(result === most ? 'all' : 'some');
          },
        }),
        { mustSee: ['all', 'some'] },
      );
    for (const most of [1, 3, 110]) expect(check(counting(most), STATES).verdict).toBe('holds');
  });

  it('and what they count is not lost: another round is another state', () => {
    const counted = scenarioOf(2, 2, ({ memory }) => {
      const count = (): number => {
        let rounds = 0;
        while (memory.cas(LOCK, 0, 1) !== 0) {
          rounds++;
          memory.awaitChange(LOCK, 1);
        }
        memory.store(LOCK, 0);
        memory.notify(LOCK);
        return rounds;
      };
      return { threads: [[count, count], [count]] };
    });
    const [all, states] = [endsOf(counted, 'naive'), endsOf(counted, 'states')];
    expect(states).toEqual(all);
  });
});

describe('a bound of the model is no failure', () => {
  const long = scenarioOf(1, 1, ({ memory }) => ({
    threads: [
      [
        () => {
          for (let i = 0; i < 3_000; i++) memory.store(LOCK, i);
        },
      ],
    ],
  }));

  it.each(['exhaustive', 'naive'] as const)('%s', (kind) => {
    expect(check(long, { mode: { kind } })).toMatchObject({
      verdict: 'inconclusive',
      bound: '2000 accesses of one operation (X8)',
      failure: null,
    });
  });

  it.each([
    { kind: 'random', seed: 1, executions: 5 },
    { kind: 'bounded', preemptions: 1 },
  ] as const)('$kind', (mode) => {
    expect(check(long, { mode })).toMatchObject({ verdict: 'inconclusive', failure: null });
  });
});

describe('who could be kept out for ever', () => {
  const TURN = 1;
  const forEver = (operation: (memory: Stage['memory']) => void): Scenario =>
    scenarioOf(2, 2, ({ memory }) => {
      const one = (): void => operation(memory);
      return { threads: [[one], [one]], forEver: [1], threadNames: ['once', 'always'] };
    });
  const testAndSet = forEver((memory) => {
    while (memory.cas(LOCK, 0, 1) !== 0);
    memory.store(LOCK, 0);
  });
  /** Two who take turns: each waits for the other at most once. */
  const inTurn = scenarioOf(4, 2, ({ memory }) => {
    const FLAGS = 2;
    const lock = (own: number) => (): void => {
      memory.store(FLAGS + own, 1);
      memory.store(TURN, 1 - own);
      while (memory.load(FLAGS + 1 - own) === 1 && memory.load(TURN) === 1 - own);
      memory.store(FLAGS + own, 0);
    };
    return { threads: [[lock(0)], [lock(1)]], forEver: [1], threadNames: ['once', 'always'] };
  });

  it('is told when asked for: by a lock that anybody may take, not by one with turns', () => {
    expect(check(testAndSet).verdict).toBe('holds');
    const { failure, verdict } = check(testAndSet, { starvation: true });
    expect(verdict).toBe('violated');
    expect(failure?.rule).toBe('starvation');
    expect(failure?.detail).toMatch(/^once could wait for ever: the last \d+ steps lead back/);
    expect(replay(testAndSet, failure?.schedule ?? '').failure).toMatchObject({
      rule: 'starvation',
      detail: failure?.detail,
      againFrom: failure?.againFrom,
    });
    const lines = formatFailure(testAndSet, failure as Failure).slice(6);
    expect(lines.indexOf('-- again and again --')).toBe(failure?.againFrom);
    const round = (failure?.steps.length as number) - (failure?.againFrom as number);
    expect(failure?.detail).toContain(`the last ${round} steps`);
    expect(check(inTurn, { starvation: true })).toMatchObject({
      verdict: 'holds',
      failure: null,
    });
  });

  it('by two who make way for each other, where no step waits', () => {
    const polite = scenarioOf(2, 2, ({ memory }) => {
      const pass = (own: number) => (): void => {
        for (;;) {
          memory.store(own, 1);
          if (memory.load(1 - own) === 0) break;
          memory.store(own, 0);
        }
        memory.store(own, 0);
      };
      return { threads: [[pass(0)], [pass(1)]] };
    });
    expect(check(polite).verdict).toBe('holds');
    expect(check(polite, { starvation: true }).failure?.rule).toBe('starvation');
  });

  it('not by one who is never let: a step that is always possible is made', () => {
    const free = scenarioOf(2, 2, ({ memory }) => ({
      threads: [[() => memory.store(LOCK, 1)], [() => memory.load(COUNT)]],
      forEver: [1],
    }));
    expect(check(free, { starvation: true }).verdict).toBe('holds');
  });

  it('needs a mode that explores all, threads that there are, and that they do something', () => {
    const mode = { kind: 'random', seed: 1, executions: 1 } as const;
    expect(() => check(testAndSet, { mode })).toThrow(/random is no mode for it/);
    const wrong = (forEver: unknown, operation: () => void = () => undefined): Scenario =>
      scenarioOf(2, 1, () => ({ threads: [[operation]], forEver: forEver as number[] }));
    for (const threads of [1, [1], [-1], ['0'], [0.5]]) {
      expect(() => check(wrong(threads))).toThrow(/forEver is/);
    }
    expect(check(wrong([0])).failure).toMatchObject({ rule: 'X7' });
    expect(() => check(testAndSet, { starvation: 1 as unknown as boolean })).toThrow(
      /starvation is 1/,
    );
  });
});

describe('what a waker did before', () => {
  const waking = (more: Partial<Scenario>): Scenario =>
    scenarioOf(
      2,
      2,
      ({ memory }) => ({
        threads: [
          [
            () => {
              memory.awaitChange(LOCK, 0);
              return memory.peek(COUNT);
            },
          ],
          [
            () => {
              memory.poke(COUNT, 1);
              memory.store(LOCK, 1);
              memory.notify(LOCK);
            },
          ],
        ],
      }),
      more,
    );

  it('is seen by who is woken, as ECMAScript has it, but not where waits order nothing', () => {
    expect(check(waking({})).verdict).toBe('holds');
    expect(check(waking({ earlyReturns: 1 })).failure?.rule).toBe('race');
    expect(check(waking({ waitsOrder: false })).failure?.rule).toBe('race');
    expect(() => check(waking({ waitsOrder: 1 as unknown as boolean }))).toThrow('waitsOrder');
  });
});

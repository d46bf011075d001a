/** Threads that are killed, before each of their steps and after the last. */
import { describe, expect, it } from 'vitest';
import {
  check,
  formatInterleaving,
  replay,
  type Scenario,
  type Setup,
  type Stage,
} from '#src/checker/model/index.js';

const [X, Y, Z] = [0, 1, 2];
const VICTIM = 0;

function scenarioOf(
  threads: number,
  setup: (stage: Stage) => Setup,
  more: Partial<Scenario> = {},
): Scenario {
  const facts = { name: 'killing', about: '', rules: [], words: 3, threads, killed: [VICTIM] };
  return { ...facts, setup, ...more };
}

/** What was in some words at the ends of all executions. */
function endsOf(scenario: Scenario, kind: 'exhaustive' | 'states' | 'naive'): string[] {
  const ends = new Set<string>();
  const setup = (stage: Stage): Setup => ({
    ...scenario.setup(stage),
    atEnd: () => {
      ends.add([X, Y, Z].map((word) => stage.memory.peek(word)).join(''));
    },
  });
  const { verdict, complete } = check({ ...scenario, setup }, { mode: { kind } });
  expect([verdict, complete]).toEqual(['holds', true]);
  return [...ends].sort();
}

const KINDS = ['exhaustive', 'states', 'naive'] as const;

describe('a thread that is killed', () => {
  it.each(KINDS)('is killed before each of its writes, plain ones too: %s', (kind) => {
    const plainly = scenarioOf(2, ({ memory, kill }) => ({
      threads: [
        [
          () => {
            memory.poke(X, 1);
            memory.poke(Y, 1);
            memory.fill(Z, 1, 1);
          },
        ],
        [() => kill(VICTIM)],
      ],
    }));
    expect(endsOf(plainly, kind)).toEqual(['000', '100', '110', '111']);
    const shared = scenarioOf(2, ({ memory, kill }) => ({
      threads: [
        [() => memory.add(X, 1), () => memory.add(Y, memory.load(X))],
        [() => memory.add(X, 1), () => kill(VICTIM)],
      ],
    }));
    expect(endsOf(shared, kind)).toEqual(['100', '200', '210', '220']);
  });

  it.each(KINDS)('is killed asleep, and after it was woken: %s', (kind) => {
    const asleep = scenarioOf(3, ({ memory, kill }) => {
      const wait = (word: number) => () => {
        memory.awaitChange(X, 0);
        memory.store(word, 1);
      };
      const end = (): void => {
        kill(VICTIM);
        memory.store(X, 1);
        memory.notify(X);
      };
      return { threads: [[wait(Y)], [wait(Z)], [() => memory.notify(X, 1), end]] };
    });
    // The one notify may have gone to the victim, or to the other.
    expect(endsOf(asleep, kind)).toEqual(['101', '111']);
  });

  it('lets whoever kills see all that it did, and nothing that it still would do', () => {
    const seen = scenarioOf(2, ({ memory, kill, isDead, see }) => ({
      threads: [
        [() => [memory.poke(X, 1), memory.poke(Y, 1)]],
        [() => [isDead(VICTIM), kill(VICTIM), isDead(VICTIM), memory.peek(X), memory.peek(Y)]],
      ],
      onReturn: (thread, _, result) => {
        if (thread !== VICTIM) see(String(result));
      },
    }));
    const { verdict, mustSee } = check(seen);
    expect(verdict).toBe('holds');
    expect(mustSee.seen).toEqual(['false,,true,0,0', 'false,,true,1,0', 'false,,true,1,1']);
  });

  it('keeps its locks, so others wait for ever', () => {
    const locked = scenarioOf(3, ({ memory, kill }) => {
      const take = (): void => {
        while (memory.cas(X, 0, 1) !== 0) memory.awaitChange(X, 1);
        memory.poke(Y, 1);
        memory.store(X, 0);
        memory.notify(X);
      };
      const threadNames = ['the dead', 'the other', 'death'];
      return { threads: [[take], [take], [() => kill(VICTIM)]], threadNames };
    });
    for (const kind of KINDS) {
      const { failure } = check(locked, { mode: { kind } });
      expect(failure).toMatchObject({ rule: 'progress' });
      expect(failure?.detail).toBe('the other would wait for ever');
      const again = replay(locked, failure?.schedule as string);
      expect(again.failure?.rule).toBe('progress');
      const lines = formatInterleaving('killing', again.interleaving).join('\n');
      expect(lines).toMatch(/kill {5}the dead$/m);
    }
  });

  it('is one that may be, and not the one who kills', () => {
    const failureOf = (operation: (stage: Stage) => void): string | undefined => {
      const { failure } = check(
        scenarioOf(2, (stage) => ({ threads: [[() => operation(stage)], []] })),
      );
      return failure === null ? undefined : `${failure.rule}: ${failure.detail}`;
    };
    expect(failureOf(({ kill }) => kill(VICTIM))).toBe('X1: a thread kills itself: let it return');
    expect(failureOf(({ kill }) => kill(1))).toMatch(/^RangeError: thread 1 is none of those/);
    expect(failureOf(({ isDead }) => void isDead(7))).toMatch(/^RangeError: thread 7 is none/);
    const atOnce = scenarioOf(1, ({ kill }) => {
      kill(VICTIM);
      return { threads: [[]] };
    });
    expect(check(atOnce).failure).toMatchObject({ detail: 'setting up: setting up kills nobody' });
    for (const killed of [1, [2], ['0'], [-1], null]) {
      const wrong = scenarioOf(2, () => ({ threads: [[], []] }), { killed: killed as number[] });
      expect(() => check(wrong)).toThrow(/killed is/);
    }
    const both = { killed: [1], spawned: [1] };
    expect(() => check(scenarioOf(2, () => ({ threads: [[], []] }), both))).toThrow(/killed is/);
  });
});

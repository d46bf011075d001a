/** Locks that are taken in one step, and what shows of a real one that it is a lock. */
import { describe, expect, it } from 'vitest';
import {
  check,
  type Lock,
  lockScenario,
  oneStepLock,
  type Scenario,
  type Stage,
} from '#src/checker/model/index.js';

function spinning({ memory }: Stage): Lock {
  return {
    acquire: () => {
      while (memory.cas(0, 0, 1) !== 0);
    },
    release: () => memory.store(0, 0),
  };
}

function sleeping({ memory }: Stage): Lock {
  return {
    acquire: () => {
      while (memory.cas(0, 0, 1) !== 0) memory.awaitChange(0, 1);
    },
    release: () => {
      memory.store(0, 0);
      memory.notify(0, 1);
    },
  };
}

/** Tests, and then sets. */
function broken({ memory }: Stage): Lock {
  return {
    acquire: () => {
      while (memory.load(0) !== 0);
      memory.store(0, 1);
    },
    release: () => memory.store(0, 0),
  };
}

/** Tells nobody that it is free. */
function silent(stage: Stage): Lock {
  return { ...sleeping(stage), release: () => stage.memory.store(0, 0) };
}

/** Peterson's: each lets the other go first, at most once. */
function inTurn({ memory }: Stage, own: number): Lock {
  const [WANTS, TURN] = [0, 2];
  return {
    acquire: () => {
      memory.store(WANTS + own, 1);
      memory.store(TURN, 1 - own);
      while (memory.load(WANTS + 1 - own) === 1 && memory.load(TURN) === 1 - own);
    },
    release: () => memory.store(WANTS + own, 0),
  };
}

const subject = (make: (stage: Stage, own: number) => Lock, words = 1, threads = 2) => ({
  name: make.name,
  words,
  threads,
  setup: (stage: Stage, count: number) =>
    Array.from({ length: count }, (_, own) => make(stage, own)),
});

describe('a lock alone', () => {
  it.each([spinning, sleeping])('that is right holds: $name', (make) => {
    expect(check(lockScenario(subject(make)))).toMatchObject({ verdict: 'holds', complete: true });
    expect(check(lockScenario(subject(make, 1, 3))).verdict).toBe('holds');
    const again = check(lockScenario({ ...subject(make), rounds: 2 }));
    expect(again.verdict).toBe('holds');
  });

  it('in which two are inside, or one is left, does not', () => {
    expect(check(lockScenario(subject(broken))).failure?.rule).toBe('race');
    expect(check(lockScenario(subject(silent))).failure?.rule).toBe('progress');
    const hasty = { ...subject(sleeping), earlyReturns: 1 };
    expect(check(lockScenario(hasty)).verdict).toBe('holds');
  });

  it('that keeps one out for ever, beside one that comes back, is told from one with turns', () => {
    const starves = check(lockScenario(subject(spinning), true), { starvation: true });
    expect(starves.failure?.rule).toBe('starvation');
    const turns = check(lockScenario(subject(inTurn, 3), true), { starvation: true });
    expect(turns).toMatchObject({ verdict: 'holds', failure: null });
  });
});

describe('a lock that is taken in one step', () => {
  const counting = (threads: number, lockOf: (stage: Stage) => Lock): Scenario => ({
    name: 'counting',
    about: '',
    rules: [],
    words: 3,
    threads,
    setup: (stage) => {
      const { memory } = stage;
      const lock = lockOf(stage);
      const count = (): void => {
        lock.acquire();
        memory.poke(1, memory.peek(1) + 1);
        lock.release();
      };
      const all = (): boolean => memory.peek(1) === threads;
      return {
        threads: Array.from({ length: threads }, () => [count]),
        atEnd: () => (all() ? [] : [{ rule: 'count', detail: 'lost' }]),
      };
    },
  });

  it('leaves the orders in which it is taken: n! of n threads', () => {
    const inOneStep = (stage: Stage): Lock => oneStepLock(stage, 0);
    const counts = [2, 3, 4].map((threads) => check(counting(threads, inOneStep)));
    expect(counts.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
    expect(counts.map(({ executions }) => executions)).toEqual([2, 6, 24]);
    expect(check(counting(3, sleeping)).executions).toBeGreaterThan(1_000);
  });

  it('hides no mistake in what is done under it', () => {
    const forgets = (stage: Stage): Lock => ({
      ...oneStepLock(stage, 0),
      acquire: () => undefined,
    });
    expect(check(counting(2, forgets)).failure?.rule).toBe('race');
  });
});

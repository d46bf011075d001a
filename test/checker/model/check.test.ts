/** Checking a scenario: verdicts, bounds, schedules and reports. */
import { describe, expect, it } from 'vitest';
import { type CheckResult, check, replay } from '#src/checker/model/check.js';
import type { Mode } from '#src/checker/model/mode.js';
import type { Operation } from '#src/checker/model/program.js';
import { formatFailure } from '#src/checker/model/report.js';
import type { Scenario, Setup, Stage } from '#src/checker/model/scenario.js';
import { parseSchedule } from '#src/checker/model/schedule.js';
import { scenarioNamed } from '#src/checker/proof/catalogue.js';
import { InvariantError } from '#src/core/base/errors.js';
import type { Word } from '#src/core/base/units.js';
import type { Memory } from '#src/core/mem/memory.js';

const [LOCK, COUNT] = [0 as Word, 1 as Word];

/** Counts under a lock that tests, and then sets. `rounds` makes it larger. */
function broken(rounds: number, threads = 2): Scenario {
  return {
    name: 'holder-vs-holder+test-then-set',
    about: 'A lock that is tested by one access and set by the next.',
    rules: ['L1'],
    words: 2,
    threads,
    mustSee: ['counted'],
    setup: ({ memory, see }) => ({
      threads: Array.from({ length: threads }, () =>
        Array.from({ length: rounds }, () => (): void => {
          if (memory.load(LOCK) !== 0) return;
          memory.store(LOCK, 1);
          memory.poke(COUNT, memory.peek(COUNT) + 1);
          memory.store(LOCK, 0);
        }),
      ),
      onReturn: () => see('counted'),
      nameWord: (word) => (word === LOCK ? 'LOCK' : 'COUNT'),
    }),
  };
}

/** The same with a lock that works. */
const sound: Scenario = {
  ...broken(1),
  name: 'holder-vs-holder+sound',
  setup: ({ memory, see }) => ({
    threads: [0, 1].map(() => [
      (): void => {
        if (memory.cas(LOCK, 0, 1) !== 0) return;
        memory.poke(COUNT, memory.peek(COUNT) + 1);
        memory.store(LOCK, 0);
      },
    ]),
    onReturn: () => see('counted'),
  }),
};

function scheduleOf({ failure }: CheckResult): string {
  if (failure === null) throw new Error('nothing failed');
  return failure.schedule;
}

describe('verdicts', () => {
  it('what holds in every interleaving holds', () => {
    expect(check(sound)).toMatchObject({ verdict: 'holds', complete: true, bound: null });
  });

  it('a mustSee that was never seen is a failure: the scenario is vacuous', () => {
    const result = check({ ...sound, mustSee: ['counted', 'the moon'] });
    expect(result.verdict).toBe('violated');
    expect(result.failure).toMatchObject({ rule: 'vacuous', detail: 'never seen: the moon' });
  });

  it('a bound that is reached is no pass', () => {
    const result = check(scenarioNamed('three-holders+one-lock'), { stepsMax: 100 });
    expect(result).toMatchObject({ verdict: 'inconclusive', complete: false });
    expect(result.bound).toMatch(/^\d+ steps$/);
  });

  it('a rule that does not hold at the end, and an error there, are failures', () => {
    const atEnd = (of: () => never[]): Scenario => ({
      ...sound,
      setup: (stage) => ({ ...sound.setup(stage), atEnd: of }),
    });
    const thrower = atEnd(() => {
      throw new RangeError('no end');
    });
    expect(check(thrower).failure?.detail).toBe('at the end: no end');
  });

  it('a scenario that says another number of threads is refused', () => {
    expect(() => check({ ...sound, threads: 3 })).toThrow('3 threads said, 2 made');
  });
});

describe('a scenario that is set up differently each time is refused, and says where', () => {
  /** What outlives setting up: how often it was done. */
  const counting = (use: (memory: Memory, times: number) => Operation): Scenario => {
    let times = 0;
    return {
      ...broken(1, 1),
      setup: ({ memory }) => ({ threads: [[use(memory, ++times)]], nameWord: () => 'COUNT' }),
    };
  };
  const inMemory = (): Scenario =>
    counting((memory, times) => {
      memory.poke(COUNT, times);
      return () => memory.load(LOCK);
    });

  it('in memory', () => {
    expect(() => check(inMemory())).toThrow(/set up twice, COUNT is 1 once, and then 2/);
  });

  it('in what its threads do', () => {
    const scenario = counting((memory, times) => () => memory.load((times % 2) as Word));
    expect(() => check(scenario)).toThrow(
      /set up twice, the first access of thread 0 is .*"word":1/,
    );
  });

  it('when a schedule is run, too', () => {
    expect(() => replay(inMemory(), '0~0000')).toThrow(/set up twice/);
  });
});

const MODES: readonly (readonly [Mode, RegExp])[] = [
  [{ kind: 'exhaustive' }, /^$/],
  [{ kind: 'naive' }, /^$/],
  [{ kind: 'bounded', preemptions: 1 }, /^1 preemptions$/],
  [{ kind: 'random', seed: 5, executions: 500 }, /^500 random executions, seed 5$/],
  [{ kind: 'pct', seed: 5, executions: 500, depth: 2 }, /^500 executions, depth 2, seed 5$/],
];

describe('modes', () => {
  it.each(MODES)('%j finds the planted bug', (mode) => {
    const { failure, verdict } = check(broken(1), { mode });
    expect(verdict).toBe('violated');
    expect(failure?.rule).toBe('race');
  });

  it.each(MODES)('%j says what it did not cover', (mode, bound) => {
    const result = check(sound, { mode });
    expect(result.verdict).toBe('holds');
    expect(result.bound ?? '').toMatch(bound);
    expect(result.complete).toBe(result.bound === null);
  });
});

describe('early returns', () => {
  /** Waits for its turn by one sleep; `looks` again in a loop, or does not. */
  const handOver = (looks: boolean, earlyReturns: number): Scenario => ({
    name: 'waiter-vs-waker+one-flag',
    about: 'A waiter that may return early.',
    rules: ['L2'],
    words: 2,
    threads: 2,
    earlyReturns,
    mustSee: ['read'],
    setup: ({ memory, see }) => ({
      threads: [
        [
          (): number => {
            do memory.awaitChange(LOCK, 0);
            while (memory.load(LOCK) === 0 && looks);
            return memory.peek(COUNT);
          },
        ],
        [
          (): void => {
            memory.poke(COUNT, 1);
            memory.store(LOCK, 1);
            memory.notify(LOCK);
          },
        ],
      ],
      onReturn: () => see('read'),
    }),
  });

  it('one that does not look again is caught only where it may, and by a schedule', () => {
    expect(check(handOver(false, 0)).verdict).toBe('holds');
    const scenario = handOver(false, 1);
    const found = check(scenario);
    expect(found.failure?.rule).toBe('race');
    expect(replay(scenario, scheduleOf(found)).failure?.rule).toBe('race');
    const random = check(scenario, { mode: { kind: 'random', seed: 1, executions: 200 } });
    expect(random.failure?.rule).toBe('race');
  });

  it('one that looks again holds, however often it returns', () => {
    const executions = [0, 1, 2, 3].map((times) => {
      const result = check(handOver(true, times));
      expect(result).toMatchObject({ verdict: 'holds', complete: true });
      return result.executions;
    });
    expect([...executions].sort((a, b) => a - b)).toEqual(executions);
  });

  it('the lock that ships holds with them', () => {
    const scenario = { ...scenarioNamed('holder-vs-holder+one-lock'), earlyReturns: 2 };
    const few = check(scenario);
    expect(few).toMatchObject({ verdict: 'holds', complete: true });
    expect(few.executions).toBeGreaterThan(check({ ...scenario, earlyReturns: 0 }).executions);
  });
});

describe('a mode that would explore nothing is refused', () => {
  it.each([
    [{ kind: 'random', seed: 1, executions: 0 }, 'executions is a whole number from 1'],
    [{ kind: 'random' }, 'executions is a whole number from 1'],
    [{ kind: 'random', executions: 1 }, 'seed is a whole number from 0'],
    [{ kind: 'pct', seed: 1, executions: 1, depth: 0 }, 'depth is a whole number from 1'],
    [{ kind: 'bounded', preemptions: -1 }, 'preemptions is a whole number from 0'],
    [{ kind: 'typo' }, 'its kind is one of exhaustive, states, naive'],
    ['random', 'its kind is one of exhaustive, states, naive'],
  ])('%j', (mode, said) => {
    expect(() => check(sound, { mode: mode as Mode })).toThrow(said);
  });
});

describe('schedules', () => {
  it('one with the fewest preemptions is reported', () => {
    const { steps } = check(broken(3)).failure ?? { steps: [] };
    // One thread is interrupted once, the other runs to its end.
    const changes = steps.filter(({ thread }, i) => i > 0 && thread !== steps[i - 1]?.thread);
    expect(changes).toHaveLength(2);
  });

  it('leads to the same failure again, each time', () => {
    const scenario = broken(2);
    const result = check(scenario);
    const schedule = scheduleOf(result);
    const found = replay(scenario, schedule);
    expect(found.failure).toEqual(result.failure);
    expect(found.interleaving).toBe(found.failure);
    expect(scheduleOf(check(scenario))).toBe(schedule);
  });

  it('is read back as it was written, plain accesses left out', () => {
    const { schedule = '', steps = [] } = check(broken(2)).failure ?? {};
    const { threads, mark } = parseSchedule(schedule);
    const inSchedule = steps.filter(({ isPlain }) => !isPlain);
    expect(inSchedule.length).toBeLessThan(steps.length);
    expect(threads).toEqual(inSchedule.map(({ thread }) => thread));
    expect(mark).toMatch(/^[0-9a-f]{4}$/);
  });

  it.each([
    '',
    '0x5',
    '0x5~',
    '0x5~9f3',
    '0y5~9f3a',
    'x~9f3a',
    '0..1~9f3a',
    '-1~9f3a',
    '0~9f3a~1',
    '0x999999999~9f3a',
  ])('%j is refused', (text) => {
    expect(() => parseSchedule(text)).toThrow(/schedule|million/);
  });

  it('one for other code is refused, and says why', () => {
    const schedule = scheduleOf(check(broken(2)));
    expect(() => replay(sound, schedule)).toThrow(
      /sound: .*; the code or the scenario has changed/,
    );
    expect(() => replay(sound, '~0000')).toThrow("the steps' mark is 811c");
    expect(() => replay(sound, '7~0000')).toThrow("thread 7 can't make step 1");
  });
});

it('a report has a column for each thread, names, the rule and the schedule', () => {
  const scenario = broken(1);
  const { failure } = check(scenario);
  if (failure === null) throw new Error('nothing failed');
  const text = formatFailure(scenario, failure).join('\n');
  expect(text).toMatch(/^race: COUNT: plain (?:read|write) by thread [01] and /);
  expect(text).toMatch(/^thread 0 {2,}thread 1$/m);
  expect(text).toMatch(/^load {5}LOCK = 0$/m);
  expect(text).toMatch(/^ *(?:peek|poke) {5}COUNT /m);
  expect(text).toMatch(/^ {20,}load {5}LOCK = 0$/m);
  expect(text).toContain(`\nschedule  ${failure.schedule}\n`);
});

describe('the columns of a report', () => {
  const [long, other] = ['a word with a long name', 'another with one'];
  const wide: Scenario = {
    ...broken(1, 3),
    setup: (stage) => ({
      ...broken(1, 3).setup(stage),
      nameWord: (word) => (word === LOCK ? long : other),
    }),
  };
  const { failure } = check(wide);

  /** Where the lines of each thread begin, in the order of the steps. */
  const beginnings = (columns: number): number[] => {
    if (failure === null) throw new Error('nothing failed');
    const [heading = '', rule = '', ...lines] = formatFailure(wide, failure, columns).slice(4);
    expect(lines).toHaveLength(failure.steps.length);
    const at = lines.map((line) => line.search(/\S/));
    failure.steps.forEach(({ thread }, step) => {
      expect(at[step]).toBe(at[failure.steps.findIndex((each) => each.thread === thread)]);
    });
    const all = [heading, rule, ...lines];
    if (columns >= 60) expect(all.filter((line) => line.length > columns)).toEqual([]);
    return [...new Set(at)].sort((a, b) => a - b);
  };

  it('lie side by side where there is room', () => {
    const [first = 0, second = 0] = beginnings(200);
    expect(second - first).toBeGreaterThan(`load     ${long} = 0`.length);
  });

  it.each([60, 80, 100])('are moved together to fit %i letters', (columns) => {
    const [first = 0, second = 0] = beginnings(columns);
    expect(second).toBeGreaterThan(first);
    expect(second).toBeLessThan(beginnings(200)[1] as number);
  });

  it('stay apart by their headings, however little room there is', () => {
    expect(beginnings(1)[1]).toBe('thread 0  '.length);
  });
});

describe('a failure is data', () => {
  it('whose steps have words and values as numbers and as text', () => {
    const scenario: Scenario = {
      ...broken(1),
      setup: (stage) => ({
        ...broken(1).setup(stage),
        showValue: (word, value) => (word === LOCK ? ['free', 'held'][value] : null) ?? `${value}`,
      }),
    };
    const { failure } = check(scenario);
    expect(failure?.threads).toEqual(['thread 0', 'thread 1']);
    expect(failure?.word).toEqual({ number: COUNT, name: 'COUNT' });
    expect(failure?.steps[0]).toEqual({
      thread: 0,
      verb: 'load',
      isPlain: false,
      word: { number: LOCK, name: 'LOCK' },
      value: null,
      expected: null,
      found: { number: 0, text: 'free' },
      count: 1,
    });
    const stored = failure?.steps.find(({ verb }) => verb === 'store');
    expect(stored?.value).toEqual({ number: 1, text: 'held' });
    expect([0, 1]).toContain(failure?.thread);
    // Nothing but data: it crosses threads and processes.
    expect(structuredClone(failure)).toEqual(JSON.parse(JSON.stringify(failure)));
  });

  it('and value is what an access leaves in its word', () => {
    const accesses = (memory: Memory): unknown[] => [
      memory.add(COUNT, 5),
      memory.and(COUNT, 4),
      memory.or(COUNT, 3),
      memory.xor(COUNT, 1),
      memory.cas(COUNT, 6, 8),
      memory.cas(COUNT, 1, 2),
      memory.exchange(COUNT, 9),
      memory.fill(COUNT, 1, 3),
      memory.poke(COUNT, 4),
      memory.load(COUNT),
    ];
    const scenario: Scenario = {
      ...broken(1, 1),
      setup: ({ memory }) => ({
        threads: [[(): unknown => accesses(memory)]],
        atEnd: () => [{ rule: 'end', detail: 'reached', word: COUNT }],
      }),
    };
    const { failure } = check(scenario);
    expect(failure).toMatchObject({ thread: null, word: { number: COUNT } });
    expect(failure?.steps.map(({ verb, value }) => [verb, value?.number ?? null])).toEqual([
      ['add', 5],
      ['and', 4],
      ['or', 7],
      ['xor', 6],
      ['cas', 8],
      ['cas', 2],
      ['exchange', 9],
      ['fill', 3],
      ['poke', 4],
      ['load', null],
    ]);
    expect(failure?.steps[5]).toMatchObject({ expected: { number: 1 }, found: { number: 8 } });
  });

  it('and is told where it was confirmed: the scenario is set up no more often for it', () => {
    let times = 0;
    const counted = (scenario: Scenario): Scenario => ({
      ...scenario,
      setup: (stage) => {
        times++;
        return scenario.setup(stage);
      },
    });
    const { failure } = check(counted(sound));
    expect(failure).toBeNull();
    const whole = times;
    times = 0;
    const found = check(counted(broken(1)), { keepSchedule: true });
    expect(found.failure?.steps.length).toBeGreaterThan(0);
    // Before it is told it is confirmed: each thread alone, and the whole schedule.
    expect(times).toBe(whole + 3);
    times = 0;
    replay(counted(broken(1)), scheduleOf(found));
    expect(times).toBe(whole);
  });

  it('and of plain accesses has those to the word in question alone', () => {
    const noisy = (stage: Stage): Setup => {
      const { threads, ...rest } = broken(1).setup(stage);
      const other = 2 as Word;
      const noise = (): void => void stage.memory.peek(other);
      return { ...rest, threads: threads.map((operations) => [noise, ...operations]) };
    };
    const { failure } = check({ ...broken(1), words: 3, setup: noisy });
    const plain = failure?.steps.filter(({ isPlain }) => isPlain) ?? [];
    expect(plain.length).toBeGreaterThan(1);
    expect(new Set(plain.map(({ word }) => word.name))).toEqual(new Set(['COUNT']));
  });

  it('and its columns stop where the code says that a rule is broken', () => {
    const [BROKEN, BELL] = [0 as Word, 1 as Word];
    const tells: Scenario = {
      ...broken(1, 1),
      setup: ({ memory }) => ({
        threads: [
          [
            (): void => {
              memory.cas(BROKEN, 0, 7);
              memory.store(BELL, 1);
              throw new Error('found out');
            },
          ],
        ],
        brokenWord: BROKEN,
      }),
    };
    const { failure } = check(tells);
    if (failure === null) throw new Error('nothing failed');
    expect(failure.steps.map(({ verb }) => verb)).toEqual(['cas', 'store']);
    expect(failure.brokenAt).toBe(0);
    const text = formatFailure(tells, failure).join('\n');
    expect(text).not.toContain('store');
    expect(text).toContain('\nand 1 more, by which the other threads are told');
  });

  it('even where setting up throws: then it has no steps, and nothing is thrown', () => {
    const scenario: Scenario = {
      ...broken(1),
      setup: () => {
        throw new InvariantError('P3', 'a page is gone');
      },
    };
    const result = check(scenario);
    const failure = { rule: 'P3', detail: 'setting up: a page is gone', schedule: '', steps: [] };
    expect(result).toMatchObject({ verdict: 'violated', complete: false, executions: 0, failure });
    expect(replay(scenario, '0~0000').failure).toEqual(result.failure);
  });
});

/** Mistakes of a scenario's author: told once, with where; and how who waits is told and stops. */
import { check, formatFailure, replay, type Scenario, type Setup, type Stage } from 'ptfrag/model';
import { describe, expect, it } from 'vitest';

const X = 0;

/** Without `mustSee`, which may be left out. */
function scenarioOf(setup: (stage: Stage) => Setup, threads = 1): Scenario {
  return { name: 'author-vs-mistake', about: '', rules: [], words: 2, threads, setup };
}

const reads = ({ memory }: Stage): Setup['threads'] => [[(): number => memory.load(X)]];

function failsDeeply(): never {
  throw new RangeError('too far', { cause: new TypeError('no number') });
}

describe("an error of the scenario's own", () => {
  const places: readonly [string, (stage: Stage) => Setup, string][] = [
    [
      'an operation',
      ({ memory }) => ({
        threads: [
          [
            (): void => {
              memory.load(X);
              failsDeeply();
            },
          ],
        ],
      }),
      'too far',
    ],
    ['onReturn', (stage) => ({ threads: reads(stage), onReturn: failsDeeply }), 'too far'],
    [
      'always',
      (stage) => ({ threads: reads(stage), always: failsDeeply }),
      'after a step: too far',
    ],
    ['atEnd', (stage) => ({ threads: reads(stage), atEnd: failsDeeply }), 'at the end: too far'],
    ['setup', failsDeeply, 'setting up: too far'],
  ];

  it.each(places)('of %s keeps file, line and cause', (_where, setup, detail) => {
    const scenario = scenarioOf(setup);
    for (const keepSchedule of [true, false]) {
      const { failure } = check(scenario, { keepSchedule });
      if (failure === null) throw new Error('nothing failed');
      expect(failure).toMatchObject({ rule: 'RangeError', detail });
      expect(failure.stack).toMatch(
        /^RangeError: too far\n +at (?:Object\.)?failsDeeply .*mistakes\.test\.ts:/,
      );
      expect(failure.stack).toMatch(/\ncaused by TypeError: no number\n/);
      expect(failure.stack).not.toMatch(/checker.model.machine/);
      const lines = formatFailure(scenario, failure);
      expect(lines[1]).toMatch(/^thrown at \S.*mistakes\.test\.ts:\d+:\d+$/);
      expect(lines.join('\n').match(/too far/g)).toHaveLength(1);
    }
  });

  it('is told by a replay, too', () => {
    const [[, setup]] = places as [[string, (stage: Stage) => Setup, string]];
    const { failure } = check(scenarioOf(setup));
    expect(replay(scenarioOf(setup), failure?.schedule ?? '').failure).toEqual(failure);
  });

  it('is none where a rule is broken: its steps say all', () => {
    const racing = scenarioOf(({ memory }) => {
      const write = (): void => memory.poke(X, 1);
      return { threads: [[write], [write]] };
    }, 2);
    const { failure } = check(racing);
    expect(failure).toMatchObject({ rule: 'race', stack: null });
    expect(formatFailure(racing, failure as never).join('\n')).not.toContain('thrown at');
  });
});

it('a scenario without mustSee, whose atEnd returns nothing, holds', () => {
  const scenario = scenarioOf((stage) => ({ threads: reads(stage), atEnd: () => undefined }));
  const mustSee = { seen: [], missing: [] };
  expect(check(scenario)).toMatchObject({ verdict: 'holds', complete: true, mustSee });
});

it.each([[null], [true], ['wrong'], [Promise.resolve()], [[1]], [[{ rule: 'x' }]]])(
  'an atEnd that returns %j is refused, and told what it may return',
  (found) => {
    const scenario = scenarioOf((stage) => ({
      threads: reads(stage),
      atEnd: () => found as never,
    }));
    expect(() => check(scenario)).toThrow(/what is found at the end is .*; it is an array/);
  },
);

it('an async operation is refused as one', () => {
  const scenario = scenarioOf(({ memory }) => ({
    threads: [[async (): Promise<number> => memory.load(X)]],
  }));
  const detail = 'an operation is an async function: it must be done when it returns';
  expect(check(scenario).failure).toMatchObject({ rule: 'X1', detail });
});

describe('who waits for a check', () => {
  /** More than a thousand executions. */
  const large = scenarioOf(({ memory }) => {
    const add = (): number => memory.add(X, 1);
    return { threads: [0, 1, 2].map(() => [add, add, add]) };
  }, 3);

  it('is told how many executions there were', () => {
    const told: number[] = [];
    const { executions } = check(large, {
      onProgress: (progress) => told.push(progress.executions),
    });
    expect(executions).toBe(1680);
    expect(told).toEqual([256, 512, 768, 1024, 1280, 1536]);
  });

  it('can stop it, by the signal, with its reason', () => {
    const controller = new AbortController();
    let calls = 0;
    const onProgress = (): void => {
      calls++;
      controller.abort(new RangeError('enough'));
    };
    const stopped = (): unknown => check(large, { onProgress, signal: controller.signal });
    expect(stopped).toThrow('enough');
    expect(calls).toBe(1);
    expect(stopped).toThrow('enough');
    expect(calls).toBe(1);
  });

  it('has what it throws itself thrown by check', () => {
    const onProgress = (): never => {
      throw new Error('mine');
    };
    expect(() => check(large, { onProgress })).toThrow('mine');
  });
});

/** A scenario as a test: what a runner shows of one that does not hold. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkScenario, type Scenario, ScenarioError } from '#src/checker/model/index.js';

/** Two threads that count, by one access each or by two. */
function counting(isWhole: boolean): Scenario {
  return {
    name: 'count-vs-count+word',
    about: 'Both are counted.',
    rules: [],
    words: 1,
    threads: 2,
    setup: ({ memory }) => {
      const count = (): void => {
        if (isWhole) memory.add(0, 1);
        else memory.store(0, memory.load(0) + 1);
      };
      const lost = { rule: 'sum', detail: 'one is lost', word: 0 };
      return {
        threads: [[count], [count]],
        nameWord: () => 'SUM',
        atEnd: () => (memory.peek(0) === 2 ? [] : [lost]),
      };
    },
  };
}

function errorOf(scenario: Scenario, options?: Parameters<typeof checkScenario>[1]): ScenarioError {
  try {
    checkScenario(scenario, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return error as ScenarioError;
  }
  throw new Error('it holds');
}

describe('checkScenario', () => {
  it('returns the result of one that holds, also within a bound that was asked for', () => {
    expect(checkScenario(counting(true))).toMatchObject({ verdict: 'holds', complete: true });
    const mode = { kind: 'random', seed: 1, executions: 10 } as const;
    expect(checkScenario(counting(true), { mode }).verdict).toBe('holds');
  });

  it('throws with the columns and the schedule, from where it was called', () => {
    const error = errorOf(counting(false));
    expect(error.code).toBe('scenario-violated');
    expect(error.message).toMatch(/^sum: SUM: one is lost\nscenario {2}count-vs-count\+word\n/);
    expect(error.message).toContain(`schedule  ${error.result.failure?.schedule}`);
    expect(error.message).toMatch(/\nstore +SUM := 1/);
    expect(error.stack?.split('\n').find((line) => line.startsWith('    at'))).toContain('errorOf');
  });

  it('throws where a bound was reached: nothing is known of the rest', () => {
    const error = errorOf(counting(true), { stepsMax: 1 });
    expect(error.code).toBe('scenario-inconclusive');
    expect(error.message).toMatch(
      /^count-vs-count\+word: inconclusive: not explored beyond 1 steps/,
    );
    expect(error.result).toMatchObject({ complete: false, failure: null });
  });
});

describe('in node:test', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptfrag-must-hold-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('a scenario that does not hold is a test that fails, with its columns', () => {
    const file = join(folder, 'count.test.mjs');
    const model = new URL('../../../dist/checker/model/index.js', import.meta.url).href;
    writeFileSync(
      file,
      `import { test } from 'node:test';
      import { checkScenario } from '${model}';
      const setup = ({ memory }) => {
        const count = () => memory.store(0, memory.load(0) + 1);
        const wrong = () => (memory.peek(0) === 2 ? [] : [{ rule: 'sum', detail: 'lost' }]);
        return { threads: [[count], [count]], atEnd: wrong };
      };
      test('counts', () => void checkScenario({ name: 'count', words: 1, threads: 2, setup }));
      test('is there', () => void checkScenario({ name: 'x', words: 1, threads: 2, setup: () => ({
        threads: [[], []] }) }));`,
    );
    const { status, stdout } = spawnSync(process.execPath, ['--test', file], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stdout).toContain('sum: lost');
    expect(stdout).toContain('schedule  0');
    expect(stdout).toMatch(/# pass 1\n# fail 1|pass 1\n.*fail 1/);
  });
});

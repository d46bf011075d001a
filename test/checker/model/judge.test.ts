/** What is no scenario, no mode, no schedule: refused by name, and at once. */
import { applyMutant, check, formatFailure, replay, type Scenario } from 'ptfrag/model';
import { MUTANTS, scenarioNamed } from 'ptfrag/proof';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../support/space.js';

const SCENARIO: Scenario = {
  name: 'two',
  about: 'Two threads add.',
  rules: [],
  words: 2,
  threads: 2,
  mustSee: [],
  setup: ({ memory }) => {
    const add = (): number => memory.add(0 as never, 1);
    return { threads: [[add], [add]] };
  },
};

const HOSTILE = { valueOf: () => 1 };
const NO_NUMBERS = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, '2', null];
const { proxy: REVOKED, revoke } = Proxy.revocable({}, {});
revoke();
const NOTHINGS = [undefined, null, 5, 1n, 'x', Symbol('x'), () => 0, [], REVOKED];

function codeWith(change: object): string {
  return codeOf(() => check({ ...SCENARIO, ...change } as Scenario));
}

describe('check', () => {
  it('explores what is right', () => {
    expect(check(SCENARIO, { stepsMax: Number.POSITIVE_INFINITY }).verdict).toBe('holds');
  });

  it.each(['words', 'threads'])('refuses %s that are no number of them', (field) => {
    for (const value of [...NO_NUMBERS, undefined, HOSTILE]) {
      expect(codeWith({ [field]: value })).toBe('bad-scenario');
    }
    expect(codeWith({ threads: 31 })).toBe('bad-scenario');
  });

  it.each(['ghostWords', 'earlyReturns'])('refuses %s that are no number', (field) => {
    for (const value of NO_NUMBERS.slice(1)) {
      expect(codeWith({ [field]: value })).toBe('bad-scenario');
    }
  });

  it('refuses what is no scenario, or lacks a part', () => {
    for (const value of NOTHINGS) expect(codeOf(() => check(value as never))).toBe('bad-scenario');
    for (const name of [undefined, 1n, Symbol('x')])
      expect(codeWith({ name })).toBe('bad-scenario');
    for (const mustSee of [null, 'x', [1]]) expect(codeWith({ mustSee })).toBe('bad-scenario');
    for (const setup of [undefined, null, {}]) expect(codeWith({ setup })).toBe('bad-scenario');
  });

  it('refuses what a setup should not return', () => {
    const threads = [[() => 0], [() => 0]];
    for (const made of [...NOTHINGS, threads, {}, { threads: 2 }, { threads: threads.flat() }]) {
      expect(codeWith({ setup: () => made })).toBe('bad-scenario');
    }
    expect(codeWith({ setup: async () => ({ threads: [] }) })).toBe('bad-scenario');
  });

  it('refuses fields that it does not know, and names those near them', () => {
    const textOf = (run: () => void): string => {
      try {
        run();
      } catch (error) {
        return (error as Error).message;
      }
      return 'taken';
    };
    const scenario = { ...SCENARIO, mustsee: [] } as never;
    expect(textOf(() => check(scenario))).toMatch(/scenario has no 'mustsee'; near it: mustSee/);
    expect(textOf(() => replay(scenario, '1'))).toMatch(/near it: mustSee/);
    const setup = (stage: never): unknown => ({ ...SCENARIO.setup(stage), allways: () => [] });
    const misspelt = { ...SCENARIO, setup } as never;
    expect(textOf(() => check(misspelt))).toMatch(/setup returns has no 'allways'.*: always/);
    for (const [options, near] of [
      [{ starvations: true }, 'starvation'],
      [{ mode: { kind: 'random', seeds: 1, executions: 1 } }, 'seed'],
      [{ mode: { kind: 'states', executions: 5 } }, 'kind'],
    ] as const) {
      expect(textOf(() => check(SCENARIO, options as never))).toContain(`near it: ${near}`);
    }
  });

  it('refuses options that are none', () => {
    const codeFor = (options: unknown): string => codeOf(() => check(SCENARIO, options as never));
    for (const options of [null, 5, 'x', 1n]) expect(codeFor(options)).toBe('bad-option');
    for (const stepsMax of [0, -1, Number.NaN, '5', 1n, null]) {
      expect(codeFor({ stepsMax })).toBe('bad-option');
    }
    expect(codeFor({ keepSchedule: 1 })).toBe('bad-option');
    expect(codeFor({ onProgress: 1 })).toBe('bad-option');
    for (const signal of [null, 5, {}]) expect(codeFor({ signal })).toBe('bad-option');
    for (const mode of [null, 5, 1n, 'naive', {}, { kind: 'bounded', preemptions: 1n }]) {
      expect(codeFor({ mode })).toBe('bad-mode');
    }
  });
});

describe('the others', () => {
  it('refuse what they can do nothing with', () => {
    for (const text of [undefined, null, 5, 1n, Symbol('x'), {}]) {
      expect(codeOf(() => replay(SCENARIO, text as never))).toBe('bad-schedule');
      expect(codeOf(() => scenarioNamed(text as never))).toBe('no-such-scenario');
      expect(codeOf(() => applyMutant(MUTANTS[0] as never, text as never))).toBe('bad-mutant');
      expect(codeOf(() => formatFailure(SCENARIO, text as never))).toBe('bad-failure');
    }
    const failure = { steps: [], threads: [], schedule: '', brokenAt: null } as never;
    for (const columns of [0, Number.NaN, Number.POSITIVE_INFINITY, '80', null]) {
      expect(codeOf(() => formatFailure(SCENARIO, failure, columns as never))).toBe('bad-option');
    }
  });
});

/** The catalogue: every scenario holds over all its interleavings, and none is vacuous. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check } from '#src/checker/model/check.js';
import { CATALOGUE, scenarioNamed } from '#src/checker/proof/catalogue.js';
import { checkSentence } from '../../../scripts/readme.mjs';
import { LONG } from '../../support/long.js';

const SCENARIOS = CATALOGUE.filter(({ large }) => LONG || large !== true);

describe('the catalogue', () => {
  /** What the scenarios take that `check` explores unless told otherwise. */
  const sums = { scenarios: 0, executions: 0, steps: 0 };

  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    'holds in every interleaving, and what it must see is seen: %s',
    (_name, scenario) => {
      const { failure, complete, mustSee, executions, steps } = check(scenario);
      if (scenario.large !== true) {
        sums.scenarios++;
        sums.executions += executions;
        sums.steps += steps;
      }
      expect(failure).toBeNull();
      expect(complete).toBe(true);
      expect(mustSee.missing).toEqual([]);
      expect((scenario.mustSee ?? []).length).toBeGreaterThan(0);
    },
    120_000,
  );

  it('takes the executions and steps that the README says (npm run docs:readme)', ({ skip }) => {
    const all = CATALOGUE.filter(({ large }) => large !== true).length;
    if (sums.scenarios < all) skip('not all scenarios were explored in this run');
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(checkSentence(sums));
  });

  it.each([
    ...Array.from({ length: 10 }, (_, i) => `P${i + 1}`),
    ...Array.from({ length: 10 }, (_, i) => `H${i + 1}`),
    ...[
      'G1',
      'G2',
      'G3',
      'L1',
      'L2',
      'L3',
      'L4',
      'R1',
      'R2',
      'R3',
      'S1',
      'S2',
      'T1',
      'T2',
      'T3',
      'T4',
    ],
  ])('%s is served by some scenario', (rule) => {
    const serving = CATALOGUE.filter(({ rules }) => rules.includes(rule));
    expect(serving.map(({ name }) => name)).not.toEqual([]);
  });

  it.each([
    'holder-vs-holder+one-lock',
    'holder-vs-spinner+one-lock',
    'take-vs-return+last-block',
    'return-vs-return+buddies',
    'attach-vs-attach+records',
  ])('%s: exploring everything, without reduction, sees the same', (name) => {
    const scenario = scenarioNamed(name);
    const all = check(scenario, { mode: { kind: 'naive' } });
    const few = check(scenario);
    expect(all).toMatchObject({ verdict: few.verdict, complete: true, mustSee: few.mustSee });
    expect(few.executions).toBeLessThan(all.executions);
  });

  it('has names of their own, in the form of a litmus test', () => {
    const names = CATALOGUE.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^([AY]\/)?[a-z-]+\+[a-z\d-]+$/);
  });

  it('finds a scenario by name, and lists them all for an unknown one', () => {
    expect(scenarioNamed('free-vs-free+one-page').name).toBe('free-vs-free+one-page');
    expect(() => scenarioNamed('free-vs-all')).toThrow(
      /^there is no scenario "free-vs-all"; near it: [^\n]*free-vs-/,
    );
  });
});

/** Every safeguard is needed: a build without it fails the scenario that is named for it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check, replay } from '#src/checker/model/check.js';
import { applyMutant } from '#src/checker/model/mutant.js';
import { CATALOGUE } from '#src/checker/proof/catalogue.js';
import { MUTANTS } from '#src/checker/proof/mutants.js';
import { withMutant } from '../../support/mutants.js';

describe('mutants', () => {
  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '%s is caught, and its schedule leads there again',
    async (_name, mutant) => {
      const { failure, again } = await withMutant(mutant, (scenario) => {
        const found = check(scenario, { keepSchedule: true }).failure;
        return { failure: found, again: found && replay(scenario, found.schedule).failure };
      });
      expect(failure, `${mutant.name} survives ${mutant.scenario}`).not.toBeNull();
      expect(failure?.rule).not.toMatch(/vacuous|ReferenceError|SyntaxError|TypeError/);
      expect(again?.rule).toBe(failure?.rule);
    },
  );

  it('have names of their own, and scenarios of the catalogue', () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const scenarios = CATALOGUE.map(({ name }) => name);
    for (const { scenario } of MUTANTS) expect(scenarios).toContain(scenario);
  });

  it('a patch that does not apply at one place only is a failure', () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error('there are mutants');
    const url = new URL(`../../../dist/${mutant.file}`, import.meta.url);
    const text = readFileSync(url, 'utf8');
    expect(applyMutant(mutant, text)).toContain(mutant.replace);
    expect(() => applyMutant(mutant, text + text)).toThrow('occurs 2 times in core/mem/lock.js');
    expect(() => applyMutant(mutant, '')).toThrow('occurs 0 times');
  });
});

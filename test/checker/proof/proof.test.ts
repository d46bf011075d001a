/** docs/proof.md is what its generator gives, and no rule lacks code, scenario or mutant. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '#src/checker/proof/catalogue.js';
import { MUTANTS } from '#src/checker/proof/mutants.js';
import { ofTheCore, proofText } from '../../../scripts/proof/text.mjs';

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const OURS = ofTheCore({ catalogue: CATALOGUE, mutants: MUTANTS });
const NOW = { requirements: read('docs/requirements.md'), ...OURS };

describe('docs/proof.md', () => {
  it('is up to date (npm run docs:proof)', () => {
    expect(read('docs/proof.md')).toBe(proofText(NOW));
  });

  it('has every rule, scenario and mutant', () => {
    const text = proofText(NOW);
    const rules = text.match(/^\| [PHGSLRT]\d+ /gm) ?? [];
    expect(rules).toHaveLength(42);
    expect(text.match(/^\| `[\w-]+\+[\w-]+`.* \| [2-4] \| /gm)).toHaveLength(OURS.catalogue.length);
    for (const { name, about } of OURS.mutants)
      expect(text).toContain(`| \`${name}\` | ${about} |`);
  });

  it('cannot be made while a rule lacks something', () => {
    const none = (rule: string) => (each: { readonly rules: readonly string[] }) =>
      !each.rules.includes(rule);
    const catalogue = CATALOGUE.filter(none('P9'));
    expect(() => proofText({ ...NOW, catalogue })).toThrow('no scenario asks for P9');
    const mutants = MUTANTS.filter(none('G3'));
    expect(() => proofText({ ...NOW, mutants })).toThrow('no mutant breaks G3');
    const requirements = NOW.requirements.replace(
      '`core/mem/supply.ts:mergeAndAdd`',
      'not built yet',
    );
    expect(() => proofText({ ...NOW, requirements })).toThrow('no code keeps S1');
    const blank = MUTANTS.map((each, at) => (at === 0 ? { ...each, about: '' } : each));
    expect(() => proofText({ ...NOW, mutants: blank })).toThrow('nothing under "what is taken out');
  });

  it('does not say that there is no mutant where there is one', () => {
    const [first, ...rest] = MUTANTS;
    const mutants = [{ ...first, rules: ['H9'] }, ...rest];
    expect(() => proofText({ ...NOW, mutants })).toThrow('H9 has a mutant');
  });
});

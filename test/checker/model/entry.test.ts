/** What `ptfrag/model` and `ptfrag/proof` load: the checker comes without what is checked. */
import * as model from 'ptfrag/model';
import * as proof from 'ptfrag/proof';
import { expect, it } from 'vitest';
import { modulesOf } from '../../support/modules.js';

it('the checker needs itself, the seam and the errors, and is small', () => {
  const modules = modulesOf('./model');
  const others = modules.filter((path) => !/^(?:checker\/model|core\/(?:base|mem))\//.test(path));
  expect(others).toEqual([]);
  expect(modules).toContain('checker/model/explore.js');
  expect(modules.length).toBeLessThan(20);
});

it('the catalogue needs the core, and nothing of the library or the laboratory', () => {
  const modules = modulesOf('./proof');
  expect(modules.filter((path) => /^(?:api|lab|report|cli)\//.test(path))).toEqual([]);
  expect(modules).toContain('core/frag/free.js');
});

it('each has what its documentation uses', () => {
  expect(Object.keys(model)).toEqual(
    ['applyMutant', 'check', 'formatFailure', 'formatInterleaving', 'replay'].sort(),
  );
  expect(Object.keys(proof).sort()).toEqual(
    ['CATALOGUE', 'CORES', 'MUTANTS', 'SITUATIONS', 'costOf', 'scenarioNamed'].sort(),
  );
});

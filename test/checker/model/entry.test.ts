/** What `ptfrag/model` and `ptfrag/proof` load: the checker comes without what is checked. */
import { readFileSync } from 'node:fs';
import * as model from 'ptfrag/model';
import * as proof from 'ptfrag/proof';
import { expect, it } from 'vitest';
import { modulesOf } from '../../support/modules.js';

it('the checker needs itself, the seam and the errors, and is small', () => {
  const modules = modulesOf('./model');
  const others = modules.filter((path) => !/^(?:checker\/model|core\/(?:base|mem))\//.test(path));
  expect(others).toEqual([]);
  expect(modules).toContain('checker/model/explore.js');
  expect(modules.length).toBeLessThanOrEqual(54);
});

it('the catalogue needs the core, and nothing of the library or the laboratory', () => {
  const modules = modulesOf('./proof');
  expect(modules.filter((path) => /^(?:api|lab|report|cli)\//.test(path))).toEqual([]);
  expect(modules).toContain('core/frag/free.js');
});

it.each([
  ['ptfrag/model', model],
  ['ptfrag/proof', proof],
])('docs/checker.md describes each export of %s', (name, entry) => {
  const text = readFileSync(new URL('../../../docs/checker.md', import.meta.url), 'utf8');
  const [, rows = ''] = text.split(`| export of \`${name}\` | meaning |\n|---|---|\n`);
  const [table = ''] = rows.split('\n\n');
  const described = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  expect(described.sort()).toEqual(Object.keys(entry).sort());
});

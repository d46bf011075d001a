/** The reports of documents run wherever there is an engine: in a page there are no files. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { importsOf, modulesBehind } from '../support/modules.js';

const FOLDER = fileURLToPath(new URL('../../dist/report', import.meta.url));

const MODULES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.js'))
  .map((path) => `report/${path.replaceAll('\\', '/')}`);

it.each(MODULES)('%s loads no package and nothing of Node', (module) => {
  const foreign = modulesBehind(module)
    .flatMap(importsOf)
    .filter((specifier) => !specifier.startsWith('.'));
  expect(foreign).toEqual([]);
});

it('is said of reports that load something', () => {
  expect(modulesBehind('report/compare/html/report.js')).toContain('lab/compare/curve.js');
  expect(modulesBehind('cli/compare/files.js').flatMap(importsOf)).toContain('node:fs');
});

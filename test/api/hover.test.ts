/** What an editor shows for the published names: each has a sentence of its own. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const ENTRIES = ['api', 'api/pgtable', 'api/recovery', 'checker/model', 'checker/proof'];

/** Names that a module's types give to others, and from which module each comes. */
function exportsOf(file: string): Map<string, string> {
  const lists = readFileSync(file, 'utf8').matchAll(/export (?:type )?{([^}]*)} from '([^']+)'/g);
  const found = new Map<string, string>();
  for (const [, names = '', from = ''] of lists) {
    const source = join(dirname(file), from.replace(/\.js$/, '.d.ts'));
    for (const name of names.match(/\w+/g) ?? []) if (name !== 'type') found.set(name, source);
  }
  return found;
}

/** Whether a docstring stands before the name where it is declared. */
function isDescribed(name: string, file: string): boolean {
  const further = exportsOf(file).get(name);
  if (further !== undefined) return isDescribed(name, further);
  const what = '(?:declare )?(?:class|interface|type|const|function)';
  return new RegExp(`\\*/\nexport ${what} ${name}\\b`).test(readFileSync(file, 'utf8'));
}

describe.each(ENTRIES)('the names of %s', (entry) => {
  const names = exportsOf(join(DIST, entry, 'index.d.ts'));

  it('are described, each', () => {
    expect(names.size).toBeGreaterThan(5);
    const silent = [...names].filter(([name, file]) => !isDescribed(name, file));
    expect(silent.map(([name]) => name)).toEqual([]);
  });
});

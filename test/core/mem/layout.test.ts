/** The number of the layout: heaps of two releases have the same one only if they look the same. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as layout from '#src/core/mem/layout.js';

/**
 * Of each release in CHANGELOG.md, the oldest first: LAYOUT_VERSION, and a digest of the layout's
 * tables. Only the last row may change, and only until it is released.
 */
const RELEASES: readonly (readonly [release: string, version: number, digest: string])[] = [
  ['0.1.0', 3, '67fa696d188f89f3'],
];

function digestOfTables(): string {
  const tables = Object.entries(layout)
    .filter(([name, value]) => name !== 'LAYOUT_VERSION' && typeof value !== 'function')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(tables)).digest('hex').slice(0, 16);
}

describe('LAYOUT_VERSION', () => {
  it('has one row for each release of the changelog', () => {
    const changelog = readFileSync(new URL('../../../CHANGELOG.md', import.meta.url), 'utf8');
    const releases = [...changelog.matchAll(/^## \[?([^\s\]]+)/gm)].map(([, name]) => name);
    expect(RELEASES.map(([release]) => release)).toEqual(releases.reverse());
  });

  it('is raised by one, once between two releases, if a table of the layout has changed', () => {
    const [last] = RELEASES.slice(-1);
    expect(last?.slice(1)).toEqual([layout.LAYOUT_VERSION, digestOfTables()]);
    RELEASES.slice(1).forEach(([release, version, digest], i) => {
      const [, before, digestBefore] = RELEASES[i] as (typeof RELEASES)[number];
      const due = digest === digestBefore ? before : before + 1;
      expect([release, version]).toEqual([release, due]);
    });
  });
});

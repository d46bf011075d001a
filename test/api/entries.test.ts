/** What the entries of the package load, so that nobody pays for what they do not use. */
import { describe, expect, it } from 'vitest';
import { modulesOf } from '../support/modules.js';

describe('the entries', () => {
  it('ptfrag loads no page tables but the sizes of the geometries', () => {
    const modules = modulesOf('.');
    const pgtable = modules.filter((name) => name.includes('pgtable/'));
    expect(pgtable).toEqual(['core/pgtable/geometry.js']);
    expect(modules.length).toBeLessThanOrEqual(66);
  });

  it('ptfrag/pgtable loads the walk, and of ptfrag what judges, waits, polls, makes', () => {
    const modules = modulesOf('./pgtable');
    expect(modules).toContain('core/pgtable/walk.js');
    expect(modules.filter((name) => /^api\/[^/]*$/.test(name))).toEqual([
      'api/arguments.js',
      'api/attachment.js',
      'api/obtain.js',
      'api/operations.js',
      'api/debts.js',
      'api/waiting.js',
      'api/operation.js',
      'api/making.js',
      'api/stack.js',
      'api/users.js',
    ]);
  });
});

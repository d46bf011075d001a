/** The published types, compiled as a stranger's strict project compiles them. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, copyTyped, packed } from '../fixtures/compile.js';

const EVERYWHERE = ['entries.ts', 'read.ts', 'words.ts'];

describe('the packed types, in a strict project of a browser', () => {
  let folder: string;
  beforeAll(() => {
    folder = packed();
    copyTyped(folder, [...EVERYWHERE, 'using.ts']);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(['nodenext', 'bundler'] as const)('resolved as %s', (moduleResolution) => {
    const types: string[] = [];

    it('compile without any other lib, and mean what they should', async () => {
      const project = { files: EVERYWHERE, moduleResolution, lib: ['dom'], types };
      expect(await compile(folder, project)).toBe('');
    });

    it('let a thread be declared by using', async () => {
      const lib = ['dom', 'esnext.disposable'];
      const project = { files: ['using.ts'], moduleResolution, lib, types };
      expect(await compile(folder, project)).toBe('');
    });
  });

  it('are seen by this test: what is wrong is found', async () => {
    const project = { files: ['using.ts'], lib: [], types: [] };
    const said = await compile(folder, { ...project, moduleResolution: 'bundler' });
    expect(said).toContain("Cannot find name 'AbortSignal'");
  });
});

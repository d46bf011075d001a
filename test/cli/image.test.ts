/** `ptfrag image`: its two files, its document, and what it refuses. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ImageDocument } from '#src/cli/image/work.js';
import { ENTRY_FORMATS } from '#src/core/pgtable/formats/index.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';
import { MMUS } from '../support/mmu.js';

const folder = mkdtempSync(join(tmpdir(), 'ptfrag-image-'));

afterAll(() => rmSync(folder, { recursive: true }));

/** A file of the folder with this content. */
function put(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Read, write and execute, young and dirty: no machine faults on such a page. */
const ALL = 31;

describe('ptfrag image', () => {
  it.each(Object.keys(ENTRY_FORMATS))('writes what a machine of %s walks', async (geometry) => {
    const { pageShift } = ENTRY_FORMATS[geometry]!;
    const page = 1n << BigInt(pageShift);
    const list = Array.from({ length: 200 }, (_, i) => ({
      va: i % 2 === 0 ? Number(page) * i : `0x${(page * BigInt(i * 7919)).toString(16)}`,
      pfn: 4096 + i,
      prot: ALL,
    }));
    const file = put(`${geometry}.json`, list);
    const prefix = join(folder, `of ${geometry}`);
    const { status, stdout, stderr } = await ptfrag([
      'image',
      file,
      '--geometry',
      geometry,
      '-o',
      prefix,
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('holds: a walk finds 200 mappings.');
    const facts = JSON.parse(readFileSync(`${prefix}.json`, 'utf8')) as ImageDocument;
    const bytes = new Uint8Array(readFileSync(`${prefix}.bin`));
    expect(facts).toMatchObject({ schema: 1, geometry, mappings: 200, bytes: bytes.length });
    const machine = { root: BigInt(facts.rootEntry), base: Number(facts.base), bytes };
    for (const { va, pfn } of list) {
      const found = MMUS[geometry]!(machine, BigInt(va) + 5n);
      expect(found).toMatchObject({ physical: page * BigInt(pfn) + 5n, write: true });
    }
    expect(MMUS[geometry]!(machine, page)).toBeNull();
  });

  it('prints one document with --json', async () => {
    const file = put('one.json', [{ va: 0, pfn: 0, prot: 1 }]);
    const prefix = join(folder, 'image of one');
    const run = await ptfrag(['image', file, '--geometry', 's390', '-o', prefix, '--json']);
    expect(run.status).toBe(0);
    const document = documentIn<ImageDocument>(run);
    expect(keyPaths(document)).toEqual(
      [
        ...['schema', 'command', 'verdict', 'ok', 'geometry', 'mappings', 'tables'],
        ...['rootAddress', 'rootEntry', 'base', 'bytes', 'byteOrder', 'files[]'],
      ].sort(),
    );
    expect(document).toMatchObject({ verdict: 'holds', mappings: 1, tables: 3, byteOrder: 'big' });
  });
});

describe('ptfrag image refuses', () => {
  const of = (mapping: object): object[] => [{ va: 0, pfn: 1, prot: 3 }, mapping];

  it.each([
    ['not-json', '[{', 'is no JSON'],
    ['not-a-list', { va: 0 }, 'is no list'],
    ['bad-mapping', of({ pfn: 1, prot: 1 }), 'mapping [1]: va is missing'],
    ['bad-mapping', of({ va: '12k', pfn: 1, prot: 1 }), 'mapping [1]: va is "12k"'],
    ['bad-mapping', of({ va: 2 ** 60, pfn: 1, prot: 1 }), 'expected an address, or a text'],
    ['bad-mapping', of({ va: 4096, pfn: -1, prot: 1 }), 'pfn is -1'],
    ['bad-mapping', of({ va: 4096, pfn: 1, prot: 'rw' }), 'expected a sum of 1 read'],
    ['bad-prot', of({ va: 4096, pfn: 1, prot: 99 }), "is no set of PROT's bits"],
    ['unaligned', of({ va: 4097, pfn: 1, prot: 1 }), 'is no multiple of 4096'],
    ['bad-address', of({ va: 2 ** 50, pfn: 1, prot: 1 }), 'is not canonical'],
    ['bad-address', of({ va: 4096, pfn: 2 ** 20, prot: 1 }), 'do not end below 4 GiB'],
    ['already-mapped', of({ va: 0, pfn: 1, prot: 1 }), '0x0 is mapped twice'],
  ])('%s: %j', async (code, content, text) => {
    const file = put('bad.json', content);
    const prefix = join(folder, 'refused');
    const args = ['image', file, '--geometry', 'generic', '-o', prefix];
    const run = await ptfrag([...args, '--json']);
    expect(run.status).toBe(2);
    expect(documentIn(run)).toMatchObject({ verdict: 'inconclusive', error: { code, file } });
    expect(run.stderr).toContain(text);
    expect(readdirSync(folder).filter((name) => name.startsWith('refused'))).toEqual([]);
  });

  it('a file that is not there, and a place that can not be written', async () => {
    const [geometry, file] = ['generic', put('good.json', [])];
    const gone = join(folder, 'gone.json');
    const missing = await ptfrag(['image', gone, '--geometry', geometry, '-o', join(folder, 'x')]);
    expect(missing).toMatchObject({ status: 2 });
    expect(missing.stderr).toContain(`${gone} is not there; expected a JSON list of mappings`);
    const pipe = join(folder, 'pipe.json');
    execFileSync('mkfifo', [pipe]);
    const unread = await ptfrag(['image', pipe, '--geometry', geometry, '-o', join(folder, 'x')]);
    expect(unread.stderr).toContain(`${pipe} cannot be read (it is a pipe)`);
    const nowhere = join(folder, 'none', 'x');
    const refused = await ptfrag(['image', file, '--geometry', geometry, '-o', nowhere]);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain(`'${nowhere}.bin' can't be written: its folder is not there`);
  });
});

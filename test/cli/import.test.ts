/** `ptfrag import` as a command: its document, its text, and what it leaves behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import type { ImportDocument } from '#src/lab/import/document.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';

const FTRACE = fileURLToPath(new URL('../fixtures/import/ftrace.txt.gz', import.meta.url));
const DOCS = readFileSync(new URL('../../docs/import.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'ptfrag-import-'));
const output = join(folder, 'sample.ptf.gz');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('ptfrag import', () => {
  it('says what it found, and what to do next', async () => {
    const { status, stdout } = await ptfrag(['import', FTRACE, '-o', output]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^input +ftrace, 560 lines, all placed$/m);
    expect(stdout).toMatch(/^PTE tables +\d+ allocs, \d+ frees, peak \d+$/m);
    expect(stdout).toMatch(/^next: .*compare .*sample\.ptf\.gz$/m);
  });

  it('writes what compare and replay read', async () => {
    const compared = await ptfrag(['compare', output, '--json', '--gp', '1000']);
    const document = documentIn<CompareDocument>(compared);
    expect(document).toMatchObject({ verdict: 'holds', violations: [] });
    expect(document.references[0]).toMatchObject({ importedFrom: 'ftrace' });
    const replayed = await ptfrag(['replay', output, '--json']);
    expect(documentIn(replayed)).toMatchObject({ verdict: 'holds', geometry: 's390' });
  });

  it('has one document, each field of which is described', async () => {
    const args = ['import', FTRACE, '-o', output, '--json', '--geometry', 'powerpc-hash-64k'];
    const document = documentIn<ImportDocument>(await ptfrag(args));
    expect(document).toMatchObject({ verdict: 'holds', ok: true, spanBytes: 2 ** 24 });
    expect(document.allocs.pmd).toBeGreaterThan(0);
    const table = DOCS.slice(DOCS.indexOf('## The document'));
    const described = [...table.matchAll(/`([\w.[\]]+)`/g)].map((match) => match[1]);
    for (const path of keyPaths(document)) {
      const isDescribed = described.some(
        (field) => field === path || field?.startsWith(`${path}[]`),
      );
      expect(isDescribed, path).toBe(true);
    }
  });

  it('names lines that it cannot place, and fails for too many', async () => {
    const file = join(folder, 'odd.txt');
    writeFileSync(file, '7 munmap(0x5000, 4096) = 0\n7 brk(NULL) = 0x1000\na word\n');
    const refused = await ptfrag(['import', file, '--json']);
    expect(refused.status).toBe(2);
    expect(documentIn(refused)).toMatchObject({
      command: 'import',
      verdict: 'inconclusive',
      error: { code: 'unplaced-lines', file, line: 3 },
    });
    expect(existsSync(join(folder, 'odd.ptf.gz'))).toBe(false);
    const exec = '7 execve("/a", ["a"], 0x1 /* 1 var */) = 0';
    writeFileSync(file, `${exec}\na word\n`);
    const { status, stderr } = await ptfrag(['import', file, '--tolerate', '50']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: `${file}:2: not placed: a word\n` });
    expect(existsSync(join(folder, 'odd.ptf.gz'))).toBe(true);
  });

  it('refuses a percentage that is none', async () => {
    const { status, stderr } = await ptfrag(['import', FTRACE, '--tolerate', '101']);
    expect(status).toBe(2);
    expect(stderr).toContain('percentage from 0 to 100');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const file = join(folder, 'long.txt');
    const fault =
      ' a-7   [000] d....  1.0: page_fault_user: address=0x5000 ip=0x1 error_code=0x4\n';
    writeFileSync(file, fault.repeat(600_000));
    const before = readdirSync(folder).sort();
    const { status, stderr } = await ptfrag(['import', file], {
      started: (child) => {
        const timer = setInterval(() => {
          if (!readdirSync(folder).some((name) => name.endsWith('.new'))) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 10);
        child.on('exit', () => clearInterval(timer));
      },
    });
    expect(status).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(readdirSync(folder).sort()).toEqual(before);
  });
});

describe('the imported traces of the package', () => {
  it('are compared by name', async () => {
    const { status, stdout } = await ptfrag(['compare', 'imported/make']);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^imported\/make {3}s390 {3}949 allocations .* imported from perf-trace$/m,
    );
    expect(stdout).toContain('holds: every rule held.');
  });
});

/** `ptfrag import` as a command: its document, its text, and what it leaves behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import type { ImportDocument } from '#src/lab/import/document.js';
import { documentIn, keyPaths, ptfrag, ptfragProcess } from '../fixtures/command.js';

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
    const life = [exec, 'a word', '7 brk(NULL) = 0x1000', '7 exit_group(0) = ?'];
    writeFileSync(file, `${life.join('\n')}\n`);
    const { status, stderr } = await ptfrag(['import', file, '--tolerate', '50']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: `${file}:2: not placed: a word\n` });
    expect(existsSync(join(folder, 'odd.ptf.gz'))).toBe(true);
  });

  it('warns of what a trace is not, and ends with 3 where it cannot be trusted', async () => {
    const file = join(folder, 'odd.txt');
    const exec = 'execve("/a", ["a"], 0x1 /* 1 var */) = 0';
    const attached = ['7 munmap(0x7f0000000000, 1048576) = 0', '7 brk(NULL) = 0x1000'];
    const map = '7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000';
    writeFileSync(file, `${[map, ...attached].join('\n')}\n`);
    const warned = await ptfrag(['import', file, '-o', output]);
    expect(warned.status).toBe(0);
    expect(warned.stdout).toMatch(/^warning: 1 of 1 mms never end: /m);
    writeFileSync(file, `${exec}\nbrk(NULL) = 0x1000\n`);
    const doubtful = await ptfrag(['import', file, '-o', output]);
    expect(doubtful.status).toBe(3);
    expect(doubtful.stdout).toMatch(/^warning: no table is ever freed: /m);
    expect(doubtful.stdout).toMatch(/^inconclusive: 3 records in .* can't be trusted\.$/m);
    expect(existsSync(output)).toBe(true);
    const told = documentIn<ImportDocument>(await ptfrag(['import', file, '-o', output, '--json']));
    expect(told).toMatchObject({ verdict: 'inconclusive', ok: false });
    expect(told.warnings).toMatchObject([{ code: 'nothing-freed', doubtful: true }]);
  });

  it.each([false, true])('reads stdin; gzipped: %s', async (packed) => {
    const text = readFileSync(FTRACE);
    const input = packed ? text : gunzipSync(text);
    const piped = await ptfragProcess(['import', '-', '-o', output], {
      started: ({ stdin }) => stdin?.end(input),
    });
    expect(piped.status).toBe(0);
    expect(piped.stdout).toMatch(/^input +ftrace, 560 lines, all placed$/m);
    const unnamed = await ptfragProcess(['import', '-'], {
      started: ({ stdin }) => stdin?.on('error', () => {}).end(input),
    });
    expect(unnamed.status).toBe(2);
    expect(unnamed.stderr).toContain('stdin has no name: say -o FILE');
  });

  it('reads the files of strace -ff together, into one of their name', async () => {
    const at = (seconds: number, line: string): string => `179534617${seconds}.5 ${line}\n`;
    const exec = 'execve("/a", ["a"], 0x1 /* 1 var */) = 0';
    const files = ['many.101', 'many.100'].map((name) => join(folder, name));
    writeFileSync(
      files[0] as string,
      at(3, exec) + at(3, 'brk(NULL) = 0x1000') + at(4, '+++ exited with 0 +++'),
    );
    writeFileSync(
      files[1] as string,
      at(1, exec) + at(2, 'vfork() = 101') + at(5, '+++ exited with 0 +++'),
    );
    const { status, stdout } = await ptfrag(['import', ...files]);
    expect(stdout).toMatch(/^mms +2$/m);
    expect(stdout).toContain(join(folder, 'many.ptf.gz'));
    expect(status).toBe(0);
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
    const { status, stderr } = await ptfragProcess(['import', file], {
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
    expect(stdout).toContain('Every rule held.');
  });
});

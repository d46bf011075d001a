/** `ptfrag replay` and `ptfrag demo`: their documents, and what they tell people. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import type { ReplayDocument } from '#src/lab/replay/document.js';
import { documentIn, type Finished, keyPaths, ptfrag } from '../fixtures/command.js';

const DOCUMENT_KEYS = [
  'callbacks',
  'command',
  'design',
  'fresh',
  'geometry',
  'gracePeriods',
  'ok',
  'pages.atEnd',
  'pages.mean',
  'pages.peak',
  'readers',
  'reads',
  'reused',
  'schema',
  'seconds',
  'seed',
  'sharing',
  'tables.peak',
  'threads',
  'trace.allocs',
  'trace.file',
  'trace.frees',
  'trace.mms',
  'verdict',
  'violations',
];

describe('replay', () => {
  it('runs on threads and says what it did', async () => {
    const run = await ptfrag(['replay', 's390x/quick', '--readers', '1', '--seed', '7', '--json']);
    expect(run.status).toBe(0);
    const document = documentIn<ReplayDocument>(run);
    expect(keyPaths(document)).toEqual(DOCUMENT_KEYS);
    expect(document).toMatchObject({
      schema: 1,
      command: 'replay',
      verdict: 'holds',
      ok: true,
      trace: { file: 's390x/quick.canon', allocs: 1764, mms: 52 },
      threads: 2,
      readers: 1,
      seed: 7,
      violations: [],
    });
    expect(document.fresh + document.reused).toBe(1764);
    expect(document.reads).toBeGreaterThan(0);
  });

  it('is a table and a sentence for people', async () => {
    const { status, stdout } = await ptfrag(['replay', 's390x/quick']);
    expect(status).toBe(0);
    const [title, ...lines] = stdout.split('\n');
    expect(title).toMatch(
      /^s390x\/quick\.canon {3}s390 {3}common, sharing mm {3}2 threads {3}2 rea/,
    );
    const names = ['trace', 'pages', 'tables', 'RCU', 'rules'];
    expect(lines.slice(1, 6).map((line) => line.split(' ')[0])).toEqual(names);
    expect(lines[5]).toMatch(/^rules +0 violated: must be 0$/);
    expect(stdout).toMatch(/\n\nholds: every rule held, in \d+\.\d s\.\n$/);
  });

  it.each([
    ['no line of text', 'hello', /a\.txt:1: not a trace/],
    ['bytes', '\u0000\u0001\u0002', /a\.txt:1: not a trace/],
    ['empty', '', /a\.txt:0: not a trace/],
    ['cut off in its first line', '# ptf 1', /a\.txt:1: not a trace/],
    ['a header alone', '# canonical sequential log, made by a test\n', /ends after its header/],
  ])('refuses a file that is %s', async (_what, text, said) => {
    const file = join(mkdtempSync(join(tmpdir(), 'ptfrag-')), 'a.txt');
    writeFileSync(file, text);
    const run = await ptfrag(['replay', file]);
    expect(run.stderr).toMatch(said);
    expect(run.status).toBe(2);
  });

  it('with one thread has the figures of the comparison', async () => {
    const common = ['replay', 'ppc64le/quick-hash', '--threads', '1', '--sharing', 'all', '--json'];
    const runs = [ptfrag(common), ptfrag(['compare', 'ppc64le/quick-hash', '--json'])];
    const [replay, compare] = (await Promise.all(runs)) as [Finished, Finished];
    const replayed = documentIn<ReplayDocument>(replay);
    const row = documentIn<CompareDocument>(compare).rows.find(
      ({ sharing, mode, kind }) => sharing === 'all' && mode === 'recorded' && kind === 'pte',
    );
    expect(replayed.readers).toBe(0);
    expect(replayed.pages).toEqual(row?.pages);
  });
});

describe('what no replay can be asked for', () => {
  const refusals = [
    ['--threads 1 --readers 2', 'readers-need-threads', 'readers need at least 2 threads'],
    ['--threads 1 --pages 5', 'pages-need-threads', 'needs at least 2 threads'],
    ['--threads 2 --design whole-page', 'design-needs-one-thread', 'needs --threads 1'],
    ['--threads 2 --gp 5', 'gp-needs-one-thread', 'their length needs 1 thread'],
    ['--through pgtable --design mail', 'through-needs-common', 'only common has page tables'],
    ['--through pgtable --gp 5', 'through-alone', 'the grace periods are real'],
    ['--through pgtable --geometry generic', 'through-alone', "geometry is the recording's"],
  ] as const;
  it.each(refusals)('is refused: %s', async (flags, code, message) => {
    const run = await ptfrag(['replay', 's390x/quick', ...flags.split(' '), '--json']);
    expect(run.status).toBe(2);
    const { error } = documentIn<{ error: { code: string } }>(run);
    expect(error.code).toBe(code);
    expect(run.stderr).toContain(message);
  });
});

describe('demo', () => {
  it('compares, replays, and ends with commands to try', async () => {
    const { status, stdout } = await ptfrag(['demo']);
    expect(status).toBe(0);
    for (const title of ['s390x/mix.canon', 'ppc64le/mm-radix.frag']) {
      expect(stdout).toContain(`\n${title}   `);
    }
    expect(stdout).toContain('holds: on s390 common saves 48 % of the PTE pages that s390-6.7,');
    expect(stdout).toContain('On powerpc common saves 70 % of the PTE pages that powerpc-6.6,');
    expect(stdout).toContain('holds: every rule held');
    const next = stdout.slice(stdout.indexOf('Try next:')).split('\n');
    expect(next.filter((line) => /^ {2}node .*main\.js /.test(line))).toHaveLength(4);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

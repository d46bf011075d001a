/** The replay through page tables: every rule, the tables that mms are given, and broken builds. */
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { PageTablesDocument } from '#src/lab/replay/pgtable/document.js';
import { type PageTablesOptions, replayPageTables } from '#src/lab/replay/pgtable/replay.js';
import { LONG } from '../../support/long.js';

const QUICK = 'traces/s390x/quick.canon.txt.gz';
const WORK = 'traces/s390x/quick.work.txt.gz';

type Replay = typeof replayPageTables;

async function through(
  file: string,
  changes: Partial<PageTablesOptions> = {},
  replay: Replay = replayPageTables,
): Promise<PageTablesDocument> {
  const how = { threads: 2, readers: 2, sharing: 'mm', seed: 1, pages: null } as const;
  return replay({ file, ...how, ...changes });
}

function checkHeld(document: PageTablesDocument): void {
  expect(document.violations).toEqual([]);
  expect(document.verdict).toBe('holds');
  expect(document.pages.atEnd).toBe(0);
  expect(document.tables.peak).toBeGreaterThan(0);
  const { faults, unmapped, forks, collapses, walks } = document;
  for (const count of [faults, unmapped, forks, collapses]) expect(count).toBeGreaterThan(0);
  expect(walks.found).toBeGreaterThan(0);
  expect(document.reads).toBe(walks.found + walks.nothing);
}

describe('a replay through page tables', () => {
  const cases: [string, Partial<PageTablesOptions>][] = [
    ['traces/ppc64le/quick-radix.frag.txt.gz', { threads: 3 }],
    ['traces/ppc64le/quick-hash.frag.txt.gz', {}],
  ];
  for (const [file, changes] of cases) {
    it(`keeps every rule: ${file} ${JSON.stringify(changes)}`, async () => {
      const document = await through(file, changes);
      checkHeld(document);
      expect(document).toMatchObject({ command: 'replay', through: 'pgtable' });
    });
  }

  /** What an mm is given is the same whatever threads there are and what is collapsed. */
  const alike: [string, Partial<PageTablesOptions>][] = [
    ['by one thread, named by its work file', { threads: 1, readers: 1, file: WORK }],
    ['by two', {}],
    ['by four, for all mms', { threads: 4, readers: 1, seed: 9, sharing: 'all' }],
  ];
  it.each(alike)('gives an mm the same tables: %s', async (_by, changes) => {
    const document = await through(QUICK, changes);
    checkHeld(document);
    const [pte] = document.given;
    const linux = { given: 1761, equal: 51 };
    expect(pte).toMatchObject({
      kind: 'pte',
      mms: 52,
      equal: 48,
      recorded: 1764,
      given: 1824,
      linux,
    });
    // Punched holes, and three races that the recording has as frees at once.
    expect(pte?.largest.slice(0, 2)).toEqual([
      { mm: 'm49', recorded: 455, given: 518, linux: 455 },
      { mm: 'm47', recorded: 238, given: 235, linux: 235 },
    ]);
    const { fresh, reused, splits } = document;
    expect(fresh + reused).toBeGreaterThan(1824 + splits);
  });

  it('runs out of pages, waits for frees to ripen, and goes on', async () => {
    const document = await through(QUICK, { pages: 1100, threads: 3 });
    checkHeld(document);
    expect(document.pages.peak).toBeLessThanOrEqual(1100);
  });

  it.runIf(LONG)('gives 1,211 of the 1,236 mms of s390x/mix what was recorded', async () => {
    const document = await through('traces/s390x/mix.canon.txt.gz', { threads: 4 });
    checkHeld(document);
    const linux = { given: 21_954, equal: 1227 };
    expect(document.given).toMatchObject([{ equal: 1211, recorded: 22_092, given: 23_049, linux }]);
  });

  it.runIf(LONG)('gives 42 of the 51 mms of s390x/mm3 what was recorded', async () => {
    const document = await through('traces/s390x/mm3.canon.txt.gz', { threads: 4 });
    checkHeld(document);
    const linux = { given: 31_246, equal: 50 };
    expect(document.given).toMatchObject([{ equal: 42, recorded: 31_245, given: 41_104, linux }]);
  });
});

describe('what a replay through page tables refuses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptfrag-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const refusals: [string, Partial<PageTablesOptions>, RegExp][] = [
    ['too many threads', { threads: 40, readers: 24 }, /with one that collapses at most 64/],
    ['no thread', { threads: 0 }, /threads from 1/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(through(QUICK, changes)).rejects.toThrow(message);
    });
  }

  it('refuses a recording without its work', async () => {
    await expect(through('traces/s390x/storm.canon.txt.gz')).rejects.toMatchObject({
      name: 'InputError',
      code: 'no-work',
      expected: 'a file traces/s390x/storm.work.txt.gz',
    });
    const work = join(folder, 'alone.work.txt.gz');
    copyFileSync('traces/s390x/quick.work.txt.gz', work);
    await expect(through(work)).rejects.toThrow(/alone\.canon\.txt\.gz or frag\.txt\.gz/);
    await expect(through('package.json')).rejects.toThrow(/a file NAME\.work\.txt\.gz/);
  });

  it('refuses a truncated work file, and leaves no thread behind', async () => {
    const file = join(folder, 'cut.canon.txt.gz');
    copyFileSync(QUICK, file);
    const whole = readFileSync('traces/s390x/quick.work.txt.gz');
    writeFileSync(join(folder, 'cut.work.txt.gz'), whole.subarray(0, 20_000));
    await expect(through(file)).rejects.toMatchObject({ name: 'InputError', code: 'truncated' });
  });

  it('stops when its signal says so', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(through(QUICK, { signal })).rejects.toThrow('enough');
  });
});

/**
 * A safeguard, the text that is it, what is put in its place, and the rule that is broken. The
 * second is a matter of luck, half a minute of it on a busy machine: for the long run.
 */
const BROKEN: readonly (readonly [string, string, string, string, RegExp])[] = [
  [
    'that frees empty tables without unlinking them',
    'core/pgtable/install.js',
    'clearEntry(thread, level, entry);',
    '',
    /^T\d|UsageError|StallError|Stalled/,
  ],
  [
    'without grace periods',
    'core/rcu/grace-period.js',
    'reader !== 0 && isBefore(reader, n)',
    'false',
    /^T3$/,
  ],
];

describe('a build', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  /** A copy of the build with something else in the place of a text. */
  async function broken(file: string, text: string, other: string): Promise<Replay> {
    const copy = mkdtempSync(join(tmpdir(), 'ptfrag-broken-'));
    folders.push(copy);
    cpSync('dist', copy, { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    const path = join(copy, file);
    const before = readFileSync(path, 'utf8');
    expect(before.split(text)).toHaveLength(2);
    writeFileSync(path, before.replace(text, other));
    const module = (await import(
      pathToFileURL(join(copy, 'lab/replay/pgtable/replay.js')).href
    )) as {
      replayPageTables: Replay;
    };
    return module.replayPageTables;
  }

  for (const [at, [what, file, text, other, rule]] of BROKEN.entries()) {
    it.skipIf(at > 0 && !LONG)(
      `${what} is caught`,
      async () => {
        const replay = await broken(file, text, other);
        let caught: string | undefined;
        for (let seed = 1; seed <= 30 && caught === undefined; seed++) {
          caught = (await through(QUICK, { seed }, replay)).violations[0]?.rule;
        }
        expect(caught).toMatch(rule);
      },
      240_000,
    );
  }
});

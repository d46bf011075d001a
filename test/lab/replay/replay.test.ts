import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type AloneOptions, replayAlone } from '#src/lab/replay/alone.js';
import { replayTables, type TablesOptions } from '#src/lab/replay/tables/replay.js';

const QUICK = 'traces/s390x/quick.canon.txt.gz';
const MIX = 'traces/s390x/mix.canon.txt.gz';
const RADIX = 'traces/ppc64le/mm-radix.frag.txt.gz';

function onThreads(file: string, changes: Partial<TablesOptions> = {}): TablesOptions {
  const how = { threads: 2, readers: 2, sharing: 'mm', seed: 1 } as const;
  return { file, ...how, geometry: null, pages: null, ...changes };
}

function alone(file: string, changes: Partial<AloneOptions> = {}): AloneOptions {
  const how = { design: 'common', sharing: 'mm', seed: 1 } as const;
  return { file, ...how, geometry: null, gpUs: null, ...changes };
}

describe('replay on threads', () => {
  const cases: [string, Partial<TablesOptions>][] = [
    [QUICK, {}],
    [MIX, {}],
    [MIX, { threads: 4, sharing: 'all' }],
    [RADIX, {}],
    [RADIX, { threads: 3, readers: 1, sharing: 'all' }],
    [QUICK, { geometry: 'generic' }],
    [QUICK, { geometry: 'powerpc-hash-64k', threads: 3 }],
  ];
  for (const [file, changes] of cases) {
    it(`keeps every rule: ${file} ${JSON.stringify(changes)}`, async () => {
      const document = await replayTables(onThreads(file, changes));
      expect(document.violations).toEqual([]);
      expect(document.verdict).toBe('holds');
      expect(document.reads).toBeGreaterThan(0);
      expect(document.gracePeriods).toBeGreaterThan(0);
      expect(document.pages.atEnd).toBe(0);
      expect(document.fresh + document.reused).toBe(document.trace.allocs);
      expect(document.trace.frees).toBe(document.trace.allocs);
    });
  }

  it('runs out of pages, waits for frees to ripen, and goes on', async () => {
    const document = await replayTables(onThreads(MIX, { pages: 620 }));
    expect(document.violations).toEqual([]);
    expect(document.pages.peak).toBeLessThanOrEqual(620);
  });

  it('gives up with a typed error when the pages can never be enough', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ptfrag-')), 'two.txt');
    writeFileSync(file, TWO_TABLES);
    const tooFew = onThreads(file, { pages: 1, readers: 0, geometry: 'generic' });
    await expect(replayTables(tooFew)).rejects.toThrow(/no page left/);
  }, 60_000);
});

/** Two tables, each a page, each freed by the mutator that is to allocate the other. */
const TWO_TABLES = `# canonical sequential log, see README-s390x.md; moved records: 0
1 1 I m1
2 2 X m1 e
3 3 N m1 1.0
4 4 H m1 1.1
`;

describe('replay with one thread', () => {
  it('is exact and repeatable', async () => {
    const first = await replayAlone(alone(MIX));
    const second = await replayAlone(alone(MIX));
    expect(first).toMatchObject({ threads: 1, readers: 0, reads: 0 });
    expect({ ...first, seconds: 0 }).toEqual({ ...second, seconds: 0 });
    expect(first.violations).toEqual([]);
    expect(first.pages.mean).toBeLessThanOrEqual(308);
  });

  it('replays under another design and under grace periods of a given length', async () => {
    const page = await replayAlone(alone(MIX, { design: 'whole-page' }));
    expect(Math.round(page.pages.mean)).toBe(583);
    const timed = await replayAlone(alone(MIX, { gpUs: 20_000 }));
    expect(timed.gracePeriods).toBeGreaterThan(100);
    expect(timed.violations).toEqual([]);
  });
});

describe('what a replay refuses', () => {
  const onThreadsOnly: [string, Partial<TablesOptions>, RegExp][] = [
    ['no thread', { threads: 0 }, /threads from 1/],
    ['too many threads', { threads: 60, readers: 5 }, /at most 64/],
    ['half a thread', { threads: 1.5 }, /threads from 1/],
    ['an unknown geometry', { geometry: 'vax' }, /there are: s390/],
  ];
  it.each(onThreadsOnly)('is on threads: %s', async (_what, changes, message) => {
    await expect(replayTables(onThreads(QUICK, changes))).rejects.toThrow(message);
  });

  const aloneOnly: [string, Partial<AloneOptions>, RegExp][] = [
    ['an unknown design', { design: 'slab' }, /there are: common/],
    ['an unknown geometry', { geometry: 'vax' }, /there are: s390/],
    ['a grace period of 0', { gpUs: 0 }, /expected > 0/],
  ];
  it.each(aloneOnly)('is with one thread: %s', async (_what, changes, message) => {
    await expect(replayAlone(alone(QUICK, changes))).rejects.toThrow(message);
  });

  it('refuses PMD tables under a geometry without them', async () => {
    const changes = { geometry: 'powerpc-8xx-16k' };
    await expect(replayTables(onThreads(RADIX, changes))).rejects.toThrow(/no PMD tables/);
  });

  it('refuses a truncated trace, with file and line, and leaves no thread behind', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ptfrag-')), 'cut.txt.gz');
    writeFileSync(file, readFileSync(MIX).subarray(0, 300_000));
    await expect(replayTables(onThreads(file))).rejects.toMatchObject({
      name: 'InputError',
      code: 'truncated',
      file,
    });
  });

  it('stops when its signal says so', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(replayTables(onThreads(MIX, { signal }))).rejects.toThrow('enough');
  });
});

describe('a build without grace periods', () => {
  const copy = mkdtempSync(join(tmpdir(), 'ptfrag-broken-'));
  afterAll(() => rmSync(copy, { recursive: true }));

  it('is caught by the readers (P1)', async () => {
    cpSync('dist', copy, { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
    const scan = join(copy, 'core/rcu/grace-period.js');
    const text = readFileSync(scan, 'utf8');
    const patched = text.replace('reader !== 0 && isBefore(reader, n)', 'false');
    expect(patched).not.toBe(text);
    writeFileSync(scan, patched);
    const broken = (await import(
      pathToFileURL(join(copy, 'lab/replay/tables/replay.js')).href
    )) as {
      replayTables: typeof replayTables;
    };
    const document = await broken.replayTables(onThreads(MIX));
    expect(document.verdict).toBe('violated');
    expect(document.violations.map(({ rule }) => rule)).toContain('P1');
  });
});

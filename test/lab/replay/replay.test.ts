import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReplayDocument, ReplayOptions } from '#src/lab/replay/replay.js';
import { replayTrace } from '#src/lab/replay/replay.js';

const QUICK = 'traces/s390x/quick.canon.txt.gz';
const MIX = 'traces/s390x/mix.canon.txt.gz';
const RADIX = 'traces/ppc64le/mm-radix.frag.txt.gz';

function options(file: string, changes: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    file,
    threads: 2,
    readers: 2,
    design: 'common',
    sharing: 'mm',
    geometry: null,
    seed: 1,
    pages: null,
    gpUs: null,
    through: null,
    ...changes,
  };
}

describe('replay on threads', () => {
  const cases: [string, Partial<ReplayOptions>][] = [
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
      const document = await replayTrace(options(file, changes));
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
    const document = await replayTrace(options(MIX, { pages: 620 }));
    expect(document.violations).toEqual([]);
    expect(document.pages.peak).toBeLessThanOrEqual(620);
  });

  it('gives up with a typed error when the pages can never be enough', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ptfrag-')), 'two.txt');
    writeFileSync(file, TWO_TABLES);
    const tooFew = options(file, { pages: 1, readers: 0, geometry: 'generic' });
    await expect(replayTrace(tooFew)).rejects.toThrow(/no page left/);
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
    const run = (): Promise<ReplayDocument> =>
      replayTrace(options(MIX, { threads: 1, readers: 0 }));
    const [first, second] = [await run(), await run()];
    expect({ ...first, seconds: 0 }).toEqual({ ...second, seconds: 0 });
    expect(first.violations).toEqual([]);
    expect(first.pages.mean).toBeLessThanOrEqual(308);
    expect(first.seconds).toBeLessThan(2);
  });

  it('replays under another design and under grace periods of a given length', async () => {
    const whole = { threads: 1, readers: 0, design: 'whole-page' };
    const page = await replayTrace(options(MIX, whole));
    expect(Math.round(page.pages.mean)).toBe(583);
    const timed = await replayTrace(options(MIX, { threads: 1, readers: 0, gpUs: 20_000 }));
    expect(timed.gracePeriods).toBeGreaterThan(100);
    expect(timed.violations).toEqual([]);
  });
});

describe('what a replay refuses', () => {
  const refusals: [string, Partial<ReplayOptions>, RegExp][] = [
    ['readers beside one thread', { threads: 1 }, /at least 2 threads/],
    ['no thread', { threads: 0 }, /threads from 1/],
    ['too many threads', { threads: 60, readers: 5 }, /at most 64/],
    ['half a thread', { threads: 1.5 }, /threads from 1/],
    ['an unknown design', { threads: 1, readers: 0, design: 'slab' }, /there are: common/],
    ['a rival on threads', { design: 'whole-page' }, /--threads 1/],
    ['an unknown geometry', { geometry: 'vax' }, /there are: s390/],
    ['a grace period of 0', { threads: 1, readers: 0, gpUs: 0 }, /expected > 0/],
    ['a grace period on threads', { gpUs: 5 }, /needs 1 thread/],
    ['pages with one thread', { threads: 1, readers: 0, pages: 5 }, /at least 2 threads/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      await expect(replayTrace(options(QUICK, changes))).rejects.toThrow(message);
    });
  }

  it('refuses PMD tables under a geometry without them', async () => {
    const changes = { geometry: 'powerpc-8xx-16k' };
    await expect(replayTrace(options(RADIX, changes))).rejects.toThrow(/no PMD tables/);
  });

  it('refuses a truncated trace, with file and line, and leaves no thread behind', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ptfrag-')), 'cut.txt.gz');
    writeFileSync(file, readFileSync(MIX).subarray(0, 300_000));
    await expect(replayTrace(options(file))).rejects.toMatchObject({
      name: 'InputError',
      code: 'truncated',
      file,
    });
  });

  it('stops when its signal says so', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(replayTrace(options(MIX, { signal }))).rejects.toThrow('enough');
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
    const broken = (await import(pathToFileURL(join(copy, 'lab/replay/replay.js')).href)) as {
      replayTrace: typeof replayTrace;
    };
    const document = await broken.replayTrace(options(MIX));
    expect(document.verdict).toBe('violated');
    expect(document.violations.map(({ rule }) => rule)).toContain('P1');
  });
});

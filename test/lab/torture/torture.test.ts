/** Torture runs: nothing breaks, whatever is done to threads; and what is broken is found. */
import { describe, expect, it } from 'vitest';
import { documentOf, type TortureFindings } from '#src/lab/torture/document.js';
import type { TortureAsked } from '#src/lab/torture/options.js';
import { torture } from '#src/lab/torture/torture.js';
import { ptfragProcess } from '../../fixtures/command.js';
import { LONG } from '../../support/long.js';

const ASKED: TortureAsked = {
  seconds: 1,
  threads: 4,
  readers: 2,
  kill: 5,
  oom: 0.05,
  geometry: 's390',
  sharing: 'mm',
  seed: 7,
};

const FOUND: TortureFindings = {
  reads: 10,
  frees: 10,
  ages: [5, 5, 0],
  operations: 10,
  forks: 1,
  attaches: 1,
  gracePeriods: 9,
  kills: 30,
  killsInside: 1,
  recovered: 30,
  outOfMemory: 1,
  leaked: 0,
  violations: [],
};

describe('a torture run', () => {
  it.each(
    LONG ? ['s390', 'powerpc-radix-64k', 'powerpc-hash-64k', 'riscv-sv39', 'generic'] : ['s390'],
  )('of %s breaks nothing, and gives back all', async (geometry) => {
    const seconds = LONG ? 20 : 1;
    const document = await torture({ ...ASKED, geometry, seconds });
    expect(document).toMatchObject({ violations: [], leaked: 0 });
    expect(document.ages[2]).toBe(0);
    // Each thread that is killed was attached once, wherever that was.
    expect(document.recovered).toBe(document.kills);
  });

  it('ends when it is told to, with all its threads', async () => {
    const controller = new AbortController();
    const run = torture(
      { ...ASKED, seconds: 1000 },
      { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) },
    );
    await expect(run).rejects.toThrow('enough');
  });
});

describe('the document of a torture run', () => {
  it('holds where enough was seen, and nothing was found', () => {
    const document = documentOf(ASKED, FOUND);
    expect(document).toMatchObject({ verdict: 'holds', ok: true, unseen: [], ...ASKED, ...FOUND });
  });

  it.each<[string, Partial<TortureFindings>]>([
    ['a table that was freed', { frees: 0 }],
    ['a reader in a table', { ages: [0, 5, 0] }],
    ['a reader in a table that was freed meanwhile', { ages: [5, 0, 0] }],
    ['a thread that was killed', { kills: 0 }],
    ['a thread that was killed in the middle of something', { killsInside: 0 }],
    ['somebody who found no page', { outOfMemory: 0 }],
  ])('is inconclusive where it has not seen %s', (what, found) => {
    const document = documentOf(ASKED, { ...FOUND, ...found });
    expect(document).toMatchObject({ verdict: 'inconclusive', ok: false, unseen: [what] });
  });

  it('asks for nothing that was not asked of the run', () => {
    const asked = { ...ASKED, readers: 0, kill: 0, oom: 0 };
    const found = { ...FOUND, ages: [0, 0, 0] as const, kills: 0, killsInside: 0, outOfMemory: 0 };
    expect(documentOf(asked, found).verdict).toBe('holds');
  });

  it('is violated by what was found, whatever was seen', () => {
    const violations = [{ rule: 'P1', detail: 'twice' }];
    expect(documentOf(ASKED, { ...FOUND, frees: 0, violations })).toMatchObject({
      verdict: 'violated',
      ok: false,
    });
  });
});

/** Builds that lack a safeguard, each found by chance: so in the long run alone. */
const BROKEN = [
  'section-not-published',
  'grace-ends-unscanned',
  'grace-ends-before-scan',
  'supply-takes-unlocked',
  'lock-tests-then-sets',
  'two-takers-of-one-queue',
  'made-space-left',
];

describe.runIf(LONG)('a build that lacks a safeguard', () => {
  it.each(BROKEN)('is found broken within ten seconds: %s', async (mutant) => {
    const args = [
      'torture',
      '--seconds',
      '10',
      '--threads',
      '6',
      '--kill',
      '10',
      '--break',
      mutant,
    ];
    const { status, stdout } = await ptfragProcess([...args, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'violated' });
    expect(status).toBe(1);
  });
});

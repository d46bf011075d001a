/** `ptfrag torture`: its document, and what it tells people. */
import { describe, expect, it } from 'vitest';
import type { TortureDocument } from '#src/lab/torture/document.js';
import { tortureReport, tortureVerdict } from '#src/report/torture.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';

const ARGS = ['torture', '--seconds', '1', '--threads', '2', '--readers', '1', '--seed', '3'];

const plain = (_: string, text: string): string => text;

describe('torture', () => {
  it('answers with a document that says what was asked and what came of it', async () => {
    const run = await ptfrag([...ARGS, '--kill', '0.5/s', '--oom', '0', '--json']);
    const document = documentIn<TortureDocument>(run);
    // A machine that is busy with something else may have seen too little: exit code 3.
    expect(document.violations).toEqual([]);
    expect(run.status).toBe(document.ok ? 0 : 3);
    expect(document).toMatchObject({ threads: 2, readers: 1, kill: 0.5, oom: 0, seed: 3 });
    expect(keyPaths(document).map((path) => path.replace(/\[\].*/, ''))).toEqual(
      [
        ...['ages', 'attaches', 'command', 'forks', 'frees', 'geometry', 'gracePeriods', 'kill'],
        ...['kills', 'killsInside', 'leaked', 'ok', 'oom', 'operations', 'outOfMemory', 'readers'],
        ...['reads', 'recovered', 'schema', 'seconds', 'seed', 'sharing', 'threads', 'unseen'],
        ...['verdict', 'violations'],
      ].sort(),
    );
  });

  it.each([
    [['--kill', '5/m'], 'Expected a rate from 0 to 20 per second'],
    [['--kill', '21'], 'Expected a rate from 0 to 20 per second'],
    [['--oom', '1'], 'Expected a share from 0 to 0.9'],
    [['--threads', '1'], 'Expected a whole number from 2 to 32'],
    [['--break', 'nix'], 'there is no mutant "nix"'],
    [['--geometry', 'powerpc-8xx-16k'], 'Allowed choices are'],
  ])('refuses %s', async (args, message) => {
    const { status, stderr } = await ptfrag([...ARGS, ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('runs a build in which a safeguard is missing, down to its threads', async () => {
    const { status, stdout } = await ptfrag([...ARGS, '--break', 'maker-unsaid', '--json']);
    // Whether it is found in so short a time is chance; that it ran is not.
    expect([0, 1, 3]).toContain(status);
    expect(JSON.parse(stdout)).toMatchObject({ command: 'torture', geometry: 's390' });
  });
});

describe('what torture tells people', () => {
  const document: TortureDocument = {
    command: 'torture',
    verdict: 'holds',
    ok: true,
    ...{ seconds: 60, threads: 8, readers: 4, kill: 5, oom: 0.001, geometry: 's390', seed: 1 },
    ...{ sharing: 'mm', reads: 81_224_310, frees: 50_109, ages: [81_211_406, 12_904, 0] },
    ...{ operations: 90_000, forks: 100, attaches: 7, gracePeriods: 44_000, kills: 300 },
    ...{ killsInside: 120, recovered: 300, outOfMemory: 55, leaked: 0 },
    violations: [],
    unseen: [],
  };

  it('says of each number what it must be', () => {
    const lines = tortureReport(document, plain).split('\n');
    expect(lines[0]).toBe('torture   8 threads   4 readers   60 s   s390   sharing mm   seed 1');
    expect(lines.slice(2)).toEqual([
      'readers   81,224,310 reads',
      '          81,211,406 in tables that were linked: legal',
      '              12,904 in tables freed in this grace period: legal',
      '                   0 in tables freed longer ago: must be 0',
      'others        90,000 operations',
      '              50,109 tables freed',
      '                 100 forks and exits',
      '                   7 times detached and attached again',
      'RCU           44,000 grace periods',
      'kills            300 threads ended',
      '                 120 of them in the middle of something',
      '                 300 attached threads recovered',
      'memory            55 times no page was found',
      '                   0 pages leaked: must be 0',
      'rules              0 violated: must be 0',
    ]);
  });

  it('ends with a verdict, and with what speaks against it', () => {
    expect(tortureVerdict(document)).toEqual(['holds: every rule held, for 60 s.']);
    const unseen = ['a reader in a table', 'a thread that was killed'];
    expect(tortureVerdict({ ...document, verdict: 'inconclusive', unseen })).toEqual([
      `inconclusive: nothing broke, but it never saw ${unseen.join(', nor ')}.`,
    ]);
    const violations = Array.from({ length: 12 }, () => ({ rule: 'P1', detail: 'twice' }));
    const broken = { ...document, verdict: 'violated' as const, leaked: null, violations };
    expect(tortureVerdict(broken)).toHaveLength(12);
    expect(tortureVerdict(broken).at(-1)).toBe('and 2 more; --json lists them all');
    expect(tortureReport(broken, plain)).toContain('- pages leaked: not looked at');
  });
});

/** `ptfrag compare`: its document, and its table as people see it. */
import { describe, expect, it } from 'vitest';
import { fitting } from '#src/cli/shell/fitting.js';
import { bundledTraces } from '#src/cli/shell/traces.js';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';

const NARROW = `
s390x/quick.canon   s390   1,764 allocations   52 mms   5.1 s
                          pages   pages     MiB      vs  tables  tables
                           mean    peak    mean  kernel   fresh  reused
recorded ends
  recorded kernel         18.78     191    0.07    1.00     841     923
  common                  18.81     191    0.07    1.00     838     926
  common, sharing all     18.71     193    0.07    1.00     828     936
  common-A                18.81     191    0.07    1.00     838     926
  common-Y                18.79     191    0.07    1.00     835     929
  mail                    18.81     191    0.07    1.00     838     926
  s390-6.1                18.78     191    0.07    1.00     842     922
  s390-6.6                18.78     191    0.07    1.00     842     922
  s390-6.7                34.58     381    0.14    1.84   1,764       0
  whole-page              34.59     381    0.14    1.84   1,764       0
  limit                   11.78     178    0.05    0.63
gp: real grace periods of 23.5 ms
  common                  19.12     185    0.07    1.02     852     912
  common, sharing all     18.89     187    0.07    1.01     828     936
  common-A                22.59     193    0.09    1.20     852     912
  common-Y                22.57     193    0.09    1.20     849     915
  mail                    22.59     193    0.09    1.20     852     912
  s390-6.1                19.10     185    0.07    1.02     852     912
  s390-6.6                19.10     185    0.07    1.02     852     912
  s390-6.7                35.26     369    0.14    1.88   1,764       0
  whole-page              35.28     369    0.14    1.88   1,764       0

recorded ends: each freed table waits exactly as long as it did in the
recording; of two waits in a row the second may then take no time at all.
gp: real grace periods of that length instead, one after the other while
something waits (--gp sets it).
limit: at each instant the fewest pages that could hold every mm's live tables.

holds: common holds 1.00 times the kernel's pages on average (gp: 1.02).
The others: common-A 1.00 times (gp: 1.20), common-Y 1.00 times (gp: 1.20), mail
1.00 times (gp: 1.20), s390-6.1 1.00 times (gp: 1.02), s390-6.6 1.00 times (gp:
1.02), s390-6.7 1.84 times (gp: 1.88), whole-page 1.84 times (gp: 1.88).
The claim allows 1 % more with recorded ends, 5 % more with real grace periods.
Every rule held.
`;

/** Its two halves, to be put side by side: no line of this file has that many columns. */
const WIDE_LEFT = `
                      ---------------- recorded ends ----------------
                        pages   pages     MiB      vs  tables  tables
                         mean    peak    mean  kernel   fresh  reused
recorded kernel         18.78     191    0.07    1.00     841     923
common                  18.81     191    0.07    1.00     838     926
common, sharing all     18.71     193    0.07    1.00     828     936
common-A                18.81     191    0.07    1.00     838     926
common-Y                18.79     191    0.07    1.00     835     929
mail                    18.81     191    0.07    1.00     838     926
s390-6.1                18.78     191    0.07    1.00     842     922
s390-6.6                18.78     191    0.07    1.00     842     922
s390-6.7                34.58     381    0.14    1.84   1,764       0
whole-page              34.59     381    0.14    1.84   1,764       0
limit                   11.78     178    0.05    0.63
`;

const WIDE_RIGHT = `
------ gp: real grace periods of 23.5 ms ------
  pages   pages     MiB      vs  tables  tables
   mean    peak    mean  kernel   fresh  reused

  19.12     185    0.07    1.02     852     912
  18.89     187    0.07    1.01     828     936
  22.59     193    0.09    1.20     852     912
  22.57     193    0.09    1.20     849     915
  22.59     193    0.09    1.20     852     912
  19.10     185    0.07    1.02     852     912
  19.10     185    0.07    1.02     852     912
  35.26     369    0.14    1.88   1,764       0
  35.28     369    0.14    1.88   1,764       0

`;

const COUNTS_HEADER =
  '                 pages   heads     p50     p99 periods  backs  locks atomics';

const COUNTS_LINE = '  common          5.93       0 35.0 ms 46.8 ms      45  1,006  4,481   1,009';

const DOCUMENT_KEYS = [
  'claim.gp',
  'claim.recorded',
  'command',
  'defer',
  'failed',
  'gpUs',
  'ok',
  'references[].allocations',
  'references[].deferred',
  'references[].frees',
  'references[].geometry',
  'references[].importedFrom',
  'references[].kernel.fresh',
  'references[].kernel.mean',
  'references[].kernel.peak',
  'references[].kernel.reused',
  'references[].kind',
  'references[].limit.mean',
  'references[].limit.peak',
  'references[].mms',
  'references[].mmsPeak',
  'references[].pageBytes',
  'references[].recordedGpUs',
  'references[].seconds',
  'references[].trace',
  'repeat',
  'rows[].atomics',
  'rows[].back.p50Us',
  'rows[].back.p99Us',
  'rows[].back.pages',
  'rows[].blocked',
  'rows[].bytes.mean',
  'rows[].bytes.peak',
  'rows[].callbacks',
  'rows[].design',
  'rows[].fresh',
  'rows[].geometry',
  'rows[].gpUs',
  'rows[].gracePeriods',
  'rows[].idle.mean',
  'rows[].idle.peak',
  'rows[].kind',
  'rows[].locks',
  'rows[].mode',
  'rows[].pages.atEnd',
  'rows[].pages.mean',
  'rows[].pages.peak',
  'rows[].reused',
  'rows[].sharing',
  'rows[].trace',
  'schema',
  'seed',
  'verdict',
  'violations',
];

const FAILED_KEYS = ['allowed', 'kernel', 'mean', 'mode', 'trace'].map((key) => `failed[].${key}`);

/** The lines of a block, without the empty ones at both ends. */
function linesOf(text: string): string[] {
  return text.slice(1, -1).split('\n');
}

describe('without TRACE', () => {
  it('compares on all recordings of the package, and common holds', async () => {
    const run = await ptfrag(['compare', '--json']);
    expect(run.status).toBe(0);
    const document = documentIn<CompareDocument>(run);
    expect(document).toMatchObject({ schema: 1, command: 'compare', verdict: 'holds', ok: true });
    expect(keyPaths(document)).toEqual(DOCUMENT_KEYS);
    const pte = document.references.filter(({ kind }) => kind === 'pte');
    expect(pte.map(({ trace }) => trace)).toEqual([
      'ppc64le/mix-radix.frag',
      'ppc64le/mm-radix.frag',
      'ppc64le/quick-hash.frag',
      'ppc64le/quick-radix.frag',
      's390x/mix.canon',
      's390x/mm2b.canon',
      's390x/mm3.canon',
      's390x/quick.canon',
      's390x/storm.canon',
    ]);
    for (const { trace, kernel } of pte) {
      const rows = document.rows.filter((row) => row.trace === trace && row.kind === 'pte');
      const [recorded, gp] = rows.filter((row) => row.sharing === 'mm');
      expect(recorded?.pages.mean, trace).toBeLessThanOrEqual(1.01 * kernel.mean);
      expect(gp?.pages.mean, trace).toBeLessThanOrEqual(1.05 * kernel.mean);
      if (trace.endsWith('mm-radix.frag')) expect(recorded?.pages.mean).toBeLessThanOrEqual(3.4);
      if (trace === 's390x/mix.canon') expect(recorded?.pages.mean).toBeLessThanOrEqual(308);
    }
  }, 120_000);
});

describe('the table', () => {
  it('has the two modes below each other where there is little room', async () => {
    const run = await ptfrag(['compare', 's390x/quick']);
    expect(run).toEqual({ status: 0, stdout: NARROW.slice(1), stderr: '' });
  });

  it('has them side by side where there is room', async () => {
    const { status, stdout } = await ptfrag(['compare', 's390x/quick'], {
      env: { COLUMNS: '120' },
    });
    const right = linesOf(WIDE_RIGHT);
    const wide = linesOf(WIDE_LEFT).map((left, at) =>
      `${left.padEnd(69)}   ${right[at]}`.trimEnd(),
    );
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(1, 1 + wide.length)).toEqual(wide);
    expect(wide.every((line) => line.length <= 120)).toBe(true);
  });

  it('has one part for each kind of table', async () => {
    const { stdout } = await ptfrag(['compare', 'ppc64le/quick-hash.frag']);
    expect(stdout).toContain('\nPTE tables: 1,802 allocations\n');
    expect(stdout).toContain('\nPMD tables: 173 allocations\n');
  });
});

describe('more than pages', () => {
  it('is shown with --counts, in lines that fit', async () => {
    const { status, stdout } = await ptfrag(['compare', 's390x/quick', '--counts']);
    const lines = stdout.split('\n');
    expect(status).toBe(0);
    expect(lines).toContain(COUNTS_HEADER);
    expect(lines).toContain(COUNTS_LINE);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain('\nLocks + atomics for each table: common 2.6 + 1.0, common-A 2.0 +');
  });

  it('says in words what deferred frees and copies do', async () => {
    const args = ['compare', 's390x/quick', '--defer', '.5', '--repeat', '3', '--gp', '20000'];
    const { status, stdout } = await ptfrag(args);
    const words = stdout.replaceAll('\n', ' ');
    expect(status).toBe(0);
    expect(words).toMatch(/ 2,\d\d\d of 5,283 frees through RCU were deferred \(seed 1\)/);
    expect(words).toMatch(/s390-6\.6 holds 1\.\d\d(?: to 1\.\d\d)? times the pages of s390-6\.1\./);
    expect(words).toContain('3 copies over each other: up to ');
  });

  it.each([
    ['--defer', '1.5', 'Expected a number from 0 to 1.'],
    ['--defer', 'half', 'Expected a number from 0 to 1.'],
    ['--repeat', '0', 'Expected a whole number from 1 to 1000000.'],
    ['--repeat', '2.5', 'Expected a whole number from 1 to 1000000.'],
    ['--seed', '-1', 'Expected a whole number from 0 to 4294967295.'],
  ])('can not be %s %s', async (option, value, expected) => {
    const { status, stdout, stderr } = await ptfrag(['compare', 's390x/quick', option, value]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`argument '${value}' is invalid. ${expected}`);
  });
});

describe('a core that has not room for all', () => {
  it('is driven by the recordings that it fits, and refused for another', async () => {
    const run = await ptfrag(['compare', 'ppc64le/quick-radix', '--design', 'common-Y', '--json']);
    expect(run.status).toBe(2);
    expect(documentIn(run)).toMatchObject({
      error: { code: 'too-many-fragments', expected: 'at most 16, for common-Y' },
    });
    const names = fitting(bundledTraces(), ['common-Y']).map(({ name }) => name);
    expect(names).toContain('ppc64le/quick-hash.frag');
    expect(names).toContain('s390x/mix.canon');
    expect(names.filter((name) => name.includes('radix'))).toEqual([]);
    expect(fitting(bundledTraces(), ['common-A'])).toHaveLength(9);
  });
});

describe('a claim that fails', () => {
  const args = ['compare', 's390x/quick', '--gp', '50000'];

  it('is said in words, with the command that repeats it', async () => {
    const { status, stdout, stderr } = await ptfrag(args);
    expect(status).toBe(1);
    expect(stdout).toContain('\nviolated: common holds more than the claim allows; common holds ');
    expect(stdout).toContain("gp asked for grace periods of 50.0 ms; the kernel's own took about");
    expect(stderr).toMatch(/^again: node .*main\.js compare s390x\/quick --gp 50000\n$/);
  });

  it('is in the document', async () => {
    const run = await ptfrag([...args, '--json']);
    const document = documentIn(run);
    expect(run.status).toBe(1);
    expect(document).toMatchObject({ verdict: 'violated', ok: false, gpUs: 50_000 });
    const keys = DOCUMENT_KEYS.filter((key) => key !== 'failed');
    expect(keyPaths(document)).toEqual([...keys, ...FAILED_KEYS].sort());
  });
});

describe('colours', () => {
  const escapes = async (env: Record<string, string>): Promise<boolean> => {
    const { stdout, stderr } = await ptfrag(['doctor'], { env });
    expect(stdout).toContain('holds');
    return (stdout + stderr).includes('\u001b');
  };

  it('are for terminals, and for whoever insists', async () => {
    expect(await escapes({})).toBe(false);
    expect(await escapes({ NO_COLOR: '1' })).toBe(false);
    expect(await escapes({ FORCE_COLOR: '0' })).toBe(false);
    expect(await escapes({ FORCE_COLOR: '1' })).toBe(true);
  });
});

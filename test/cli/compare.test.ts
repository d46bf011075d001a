/** `ptfrag compare`: its document, and its table as people see it. */
import { describe, expect, it } from 'vitest';
import { fitting } from '#src/cli/shell/fitting.js';
import { bundledTraces } from '#src/cli/shell/traces.js';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';

const NARROW = `
s390x/quick.canon   s390   1,764 allocations   52 mms   5.1 s
                     pages  pages    MiB     vs  saved  saved  saved tables
                      mean   peak   mean kernel  pages    MiB      %  fresh
recorded ends
  recorded kernel    18.78    191   0.07   1.00  15.80   0.06   45.7    841
  common             18.81    191   0.07   1.00  15.77   0.06   45.6    838
  common, all        18.71    193   0.07   1.00  15.86   0.06   45.9    828
  common-A           18.81    191   0.07   1.00  15.77   0.06   45.6    838
  common-Y           18.79    191   0.07   1.00  15.79   0.06   45.7    835
  mail               18.81    191   0.07   1.00  15.77   0.06   45.6    838
  s390-6.1           18.78    191   0.07   1.00  15.80   0.06   45.7    842
  s390-6.6           18.78    191   0.07   1.00  15.80   0.06   45.7    842
  s390-6.7           34.58    381   0.14   1.84   0.00   0.00    0.0  1,764
  whole-page         34.59    381   0.14   1.84  -0.02   0.00    0.0  1,764
  limit              11.78    178   0.05   0.63  22.80   0.09   65.9
  limit, all         11.58    178   0.05   0.62  22.99   0.09   66.5
gp: real grace periods of 23.5 ms
  common             19.12    185   0.07   1.00  16.14   0.06   45.8    852
  common, all        18.89    187   0.07   0.99  16.37   0.06   46.4    828
  common-A           22.59    193   0.09   1.18  12.67   0.05   35.9    852
  common-Y           22.57    193   0.09   1.18  12.69   0.05   36.0    849
  mail               22.59    193   0.09   1.18  12.67   0.05   35.9    852
  s390-6.1           19.10    185   0.07   1.00  16.15   0.06   45.8    852
  s390-6.6           19.10    185   0.07   1.00  16.15   0.06   45.8    852
  s390-6.7           35.26    369   0.14   1.85   0.00   0.00    0.0  1,764
  whole-page         35.28    369   0.14   1.85  -0.02   0.00   -0.1  1,764

recorded kernel: what the kernel held in one run of each workload; how much runs
differ is not known. The package's recordings are of Linux 6.1 on emulated
machines (QEMU).
recorded ends: each freed table waits exactly as long as it did in the
recording; of two waits in a row the second may then take no time at all.
gp: real grace periods of that length instead, one after the other while
something waits (--gp sets it).
vs kernel: in gp mode, as a multiple of what the kernel's rule holds there
(s390-6.1).
saved: mean pages fewer than s390-6.7 holds (--against sets it).
limit: at each instant the fewest pages that could hold each mm's live tables.
all: a page may hold tables of several mms; limit, all is the fewest for that.

holds: on s390 common saves 46 % of the PTE pages that s390-6.7, Linux's rule of
today, holds on average (gp: 46 %): 34.58 to 18.81 pages (0.06 MiB) in
s390x/quick.canon.
The price, in locks + other atomic operations + fresh pages for each table:
common 2.6 + 1.0 + 0.48, s390-6.7 0.0 + 0.0 + 1.00.
The claim is at most 1 % more pages on average than the recorded kernel, and in
gp mode than s390-6.1: common holds 1.00 times that (gp: 1.00).
The others on s390: common-A 1.00 times (gp: 1.18), common-Y 1.00 times (gp:
1.18), mail 1.00 times (gp: 1.18), s390-6.6 1.00 times (gp: 1.00), whole-page
1.84 times (gp: 1.85).
Every rule held.
`;

/** Its two halves, to be put side by side: no line of this file has that many columns. */
const WIDE_LEFT = `
                  -------------------- recorded ends --------------------
                   pages  pages    MiB     vs  saved  saved  saved tables
                    mean   peak   mean kernel  pages    MiB      %  fresh
recorded kernel    18.78    191   0.07   1.00  15.80   0.06   45.7    841
common             18.81    191   0.07   1.00  15.77   0.06   45.6    838
common, all        18.71    193   0.07   1.00  15.86   0.06   45.9    828
common-A           18.81    191   0.07   1.00  15.77   0.06   45.6    838
common-Y           18.79    191   0.07   1.00  15.79   0.06   45.7    835
mail               18.81    191   0.07   1.00  15.77   0.06   45.6    838
s390-6.1           18.78    191   0.07   1.00  15.80   0.06   45.7    842
s390-6.6           18.78    191   0.07   1.00  15.80   0.06   45.7    842
s390-6.7           34.58    381   0.14   1.84   0.00   0.00    0.0  1,764
whole-page         34.59    381   0.14   1.84  -0.02   0.00    0.0  1,764
limit              11.78    178   0.05   0.63  22.80   0.09   65.9
limit, all         11.58    178   0.05   0.62  22.99   0.09   66.5
`;

const WIDE_RIGHT = `
---------- gp: real grace periods of 23.5 ms ----------
 pages  pages    MiB     vs  saved  saved  saved tables
  mean   peak   mean kernel  pages    MiB      %  fresh

 19.12    185   0.07   1.00  16.14   0.06   45.8    852
 18.89    187   0.07   0.99  16.37   0.06   46.4    828
 22.59    193   0.09   1.18  12.67   0.05   35.9    852
 22.57    193   0.09   1.18  12.69   0.05   36.0    849
 22.59    193   0.09   1.18  12.67   0.05   35.9    852
 19.10    185   0.07   1.00  16.15   0.06   45.8    852
 19.10    185   0.07   1.00  16.15   0.06   45.8    852
 35.26    369   0.14   1.85   0.00   0.00    0.0  1,764
 35.28    369   0.14   1.85  -0.02   0.00   -0.1  1,764


`;

const COUNTS_HEADER =
  '                 pages   heads     p50     p99 periods  backs  locks atomics';

const COUNTS_LINE = '  common          5.93       0 35.0 ms 46.8 ms      45  1,006  4,481   1,009';

const DOCUMENT_KEYS = [
  'against',
  'claim.gp',
  'claim.recorded',
  'command',
  'defer',
  ...['allowed', 'kernel', 'mean', 'mode', 'trace'].map((key) => `failed[].${key}`),
  'gpUs',
  'ok',
  'references[].against',
  'references[].allocations',
  'references[].deferred',
  'references[].frees',
  'references[].geometry',
  'references[].importedFrom',
  'references[].kernel.fresh',
  'references[].kernel.mean',
  'references[].kernel.peak',
  'references[].kernel.reused',
  'references[].kernel.saved.bytes',
  'references[].kernel.saved.pages',
  'references[].kernel.saved.share',
  'references[].kernelRule',
  'references[].kind',
  'references[].limit.mean',
  'references[].limit.peak',
  'references[].limit.saved.bytes',
  'references[].limit.saved.pages',
  'references[].limit.saved.share',
  'references[].limitAll.mean',
  'references[].limitAll.peak',
  'references[].limitAll.saved.bytes',
  'references[].limitAll.saved.pages',
  'references[].limitAll.saved.share',
  'references[].mms',
  'references[].mmsPeak',
  'references[].newestRule',
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
  'rows[].saved.bytes',
  'rows[].saved.pages',
  'rows[].saved.share',
  'rows[].sharing',
  'rows[].timesKernel',
  'rows[].trace',
  'savings[].against',
  'savings[].architecture',
  'savings[].cost.atomics',
  'savings[].cost.fresh',
  'savings[].cost.locks',
  'savings[].costAgainst.atomics',
  'savings[].costAgainst.fresh',
  'savings[].costAgainst.locks',
  'savings[].imported',
  'savings[].least.bytes',
  'savings[].least.from',
  'savings[].least.pages',
  'savings[].least.share',
  'savings[].least.to',
  'savings[].least.trace',
  'savings[].mode',
  'savings[].most.bytes',
  'savings[].most.from',
  'savings[].most.pages',
  'savings[].most.share',
  'savings[].most.to',
  'savings[].most.trace',
  'savings[].newest',
  'savings[].traces',
  'schema',
  'seed',
  'verdict',
  'violations',
];

/** The lines of a block, without the empty ones at both ends. */
function linesOf(text: string): string[] {
  return text.slice(1, -1).split('\n');
}

describe('the table', () => {
  it('has the two modes below each other where there is little room', async () => {
    const run = await ptfrag(['compare', 's390x/quick']);
    expect(run).toEqual({ status: 0, stdout: NARROW.slice(1), stderr: '' });
  });

  it('has them side by side where there is room', async () => {
    const { status, stdout } = await ptfrag(['compare', 's390x/quick'], { COLUMNS: '140' });
    const right = linesOf(WIDE_RIGHT);
    const wide = linesOf(WIDE_LEFT).map((left, at) =>
      `${left.padEnd(73)}   ${right[at]}`.trimEnd(),
    );
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(1, 1 + wide.length)).toEqual(wide);
    expect(wide.every((line) => line.length <= 140)).toBe(true);
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

describe('what is saved', () => {
  const proseOf = async (...args: string[]): Promise<string> => {
    const { stdout } = await ptfrag(['compare', ...args]);
    return stdout.replace(/\s+/g, ' ');
  };

  it('is so much of what Linux holds today: 48 % of 583 pages in mix', async () => {
    const prose = await proseOf('s390x/mix', '--design', 'mail');
    expect(prose).toContain(
      'holds: on s390 common saves 48 % of the PTE pages that s390-6.7, ' +
        "Linux's rule of today, holds on average (gp: 48 %): 582.98 to 304.84 pages (1.09 MiB) " +
        'in s390x/mix.canon. ',
    );
  });

  it('is measured against another design where that is asked for', async () => {
    const args = ['s390x/quick', '--design', 'whole-page', '--against', 'mail'];
    const prose = await proseOf(...args);
    expect(prose).toContain(
      'holds: on s390 common saves 0.0 % of the PTE pages that mail holds on average (gp: 15 %): ' +
        '18.81 to 18.81 pages (0.00 MiB) in s390x/quick.canon. ',
    );
    expect(prose).toContain(
      'common 2.6 + 1.0 + 0.48, mail ? + ? + 0.48 (?: its rule does not say). ',
    );
    expect(prose).toContain('saved: mean pages fewer than mail holds');
    expect(prose).not.toContain('s390-6.7');
    const document = documentIn<CompareDocument>(await ptfrag(['compare', ...args, '--json']));
    const row = (design: string): CompareDocument['rows'][number] | undefined =>
      document.rows.find(({ mode, ...other }) => mode === 'gp' && other.design === design);
    const [mail, whole] = [row('mail')?.pages.mean ?? 0, row('whole-page')];
    const pages = mail - (whole?.pages.mean ?? 0);
    expect(whole?.saved).toEqual({ pages, bytes: 4096 * pages, share: pages / mail });
    expect(pages).toBeLessThan(-10);
    expect(document).toMatchObject({ against: 'mail', savings: [{ newest: false }, {}] });
  });

  it('can not be measured against what does not fit', async () => {
    const refused = await ptfrag(['compare', 's390x/quick', '--against', 'powerpc-6.1', '--json']);
    expect(refused.status).toBe(2);
    expect(documentIn(refused)).toMatchObject({ error: { code: 'wrong-architecture' } });
    const unknown = await ptfrag(['compare', 's390x/quick', '--against', 'nix', '--json']);
    expect(documentIn(unknown)).toMatchObject({ error: { code: 'no-such-design' } });
  });

  it('is said of an imported trace, without what only a kernel has', async () => {
    const prose = await proseOf('imported/make', '--design', 'mail');
    expect(prose).toContain(
      'holds: on imported traces, as on s390, common saves 48 % of the PTE pages that s390-6.7, ' +
        "Linux's rule of today, holds on average: 91.96 to 47.36 pages (0.17 MiB) in ",
    );
    for (const word of ['recorded kernel', 'recorded ends:', 'The claim', 'QEMU', 'whole-page']) {
      expect(prose).not.toContain(word);
    }
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
  const args = ['compare', 'ppc64le/quick-hash', '--gp', '100000'];

  it('is said in words, with the command that repeats it', async () => {
    const { status, stdout, stderr } = await ptfrag(args);
    expect(status).toBe(1);
    expect(stdout).toContain('\nviolated: common holds more than the claim allows.\nOn powerpc ');
    expect(stdout).toMatch(/real grace periods: common holds .*,\s+the kernel's\s+rule [\d.]+; /);
    expect(stderr).toMatch(/^again: node .*main\.js compare ppc64le\/quick-hash --gp 100000\n$/);
  });

  it('is in the document', async () => {
    const run = await ptfrag([...args, '--json']);
    const document = documentIn(run);
    expect(run.status).toBe(1);
    expect(document).toMatchObject({ verdict: 'violated', ok: false, gpUs: 100_000 });
    expect(keyPaths(document)).toEqual(DOCUMENT_KEYS);
  });
});

describe('colours', () => {
  const escapes = async (env: Record<string, string>): Promise<boolean> => {
    const { stdout, stderr } = await ptfrag(['doctor'], env);
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

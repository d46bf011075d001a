/** `ptfrag oracle`: its document, its lines, and how it ends. */
import { afterAll, describe, expect, it } from 'vitest';
import type { OracleDocument } from '#src/lab/oracle/ask.js';
import { documentIn, keyPaths, ptfrag } from '../fixtures/command.js';
import { canon, TraceFolder } from '../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

const ROW_KEYS = [
  'allocations',
  'design',
  'firstMismatch',
  'form',
  'geometry',
  'kinds[].checked',
  'kinds[].kind',
  'kinds[].matched',
  'lists.checked',
  'lists.matched',
  'matched',
  'mismatches',
  'moved',
  'releases.checked',
  'releases.matched',
  'swappedCounts',
  'trace',
].map((key) => `rows[].${key}`);

const FIRST_KEYS = ['allocations', 'design', 'firstMismatch', 'matched', 'trace'];

const SWAPPED_KEYS = ['count', 'expected', 'line', 'page'].map(
  (key) => `rows[].swappedCounts[].${key}`,
);

const TABLE = `
recording                 rule         allocations     matched   list ends  pages back
s390x/quick.frag          s390-6.1           1,764  100.0000 %  100.0000 %  100.0000 %
ppc64le/mix-radix.frag    powerpc-6.1       28,029  100.0000 %           -  100.0000 %
  2 counts in swapped order, in line 38783 (194c), 38784 (194c)

holds: all 29,793 allocations of 2 recordings are where the rule puts them,
fresh or reused, and for its reason.
So are the ends of 1,764 lists after a free, and the return of 3,351 pages.
`;

const MISMATCH = `
recording                 rule         allocations     matched   list ends  pages back
FILE s390-6.1               1    0.0000 %           -           -
  the mismatch, in line 3: allocation, mm 0, PTE
    kernel  a fresh page: the first of the list is pending
    rule    a fresh page: none to look at
    before, by line: what the kernel did, the mm's list by the rule, the pages
        3  goes for a fresh page: first is pending  list -

violated: of 1 allocation of 1 recording the rule would put 1 elsewhere.
Apart from that 0 lists and 0 returns of a page differ.
`;

const WRONG = canon('I m1', 'X m1 p', 'N m1 a0.0');

describe('without TRACE', () => {
  it('asks about all recordings of the package in all their forms, and all match', async () => {
    const run = await ptfrag(['oracle', '--json']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const document = documentIn<OracleDocument>(run);
    expect(document).toMatchObject({ schema: 1, command: 'oracle', verdict: 'holds', ok: true });
    const top = ['command', 'ok', 'schema', 'verdict', ...FIRST_KEYS];
    expect(keyPaths(document)).toEqual([...top, ...ROW_KEYS, ...SWAPPED_KEYS].sort());
    expect(document.rows.map(({ trace }) => trace)).toEqual([
      'ppc64le/mix-radix.frag',
      'ppc64le/mm-radix.frag',
      'ppc64le/quick-hash.frag',
      'ppc64le/quick-radix.frag',
      's390x/mix.canon',
      's390x/mm2b.canon',
      's390x/mm2b.frag',
      's390x/mm3.canon',
      's390x/quick.canon',
      's390x/quick.frag',
      's390x/storm.canon',
    ]);
    for (const row of document.rows) {
      expect(row.matched, row.trace).toBe(row.allocations);
      expect(row.mismatches, row.trace).toBe(0);
      expect(row.design).toBe(row.trace.startsWith('s390x/') ? 's390-6.1' : 'powerpc-6.1');
    }
  });
});

describe('without TRACE, with a design', () => {
  it('asks about the recordings that fit', async () => {
    const run = await ptfrag(['oracle', '--design', 'powerpc-6.6', '--json']);
    const { rows } = documentIn<OracleDocument>(run);
    expect(rows).toHaveLength(4);
    expect(
      rows.every(({ design, matched, allocations }) => {
        return design === 'powerpc-6.6' && matched === allocations;
      }),
    ).toBe(true);
  });

  it('has nothing to compare on where no recording fits all', async () => {
    const designs = ['--design', 's390-6.1', '--design', 'powerpc-6.1'];
    const run = await ptfrag(['compare', ...designs, '--json']);
    expect(run.status).toBe(2);
    expect(documentIn(run).error).toMatchObject({ code: 'no-trace' });
  });
});

describe('the lines', () => {
  it('are one for each recording, what there is to know of it, and the verdict', async () => {
    const run = await ptfrag(['oracle', 's390x/quick.frag', 'ppc64le/mix-radix']);
    expect(run).toEqual({ status: 0, stdout: TABLE.slice(1), stderr: '' });
  });

  it('show a mismatch with its history', async () => {
    const file = folder.write(WRONG);
    const { status, stdout, stderr } = await ptfrag(['oracle', file]);
    expect(status).toBe(1);
    expect(stdout).toBe(MISMATCH.slice(1).replace('FILE', file.padEnd(25)));
    expect(stderr).toMatch(/^again: .* oracle \S+\n$/);
  });
});

describe('the exit code', () => {
  it('is 1 for a mismatch, and the document has it', async () => {
    const run = await ptfrag(['oracle', folder.write(WRONG), '--json']);
    expect(run.status).toBe(1);
    const document = documentIn<OracleDocument>(run);
    expect(document).toMatchObject({ verdict: 'violated', ok: false, allocations: 1, matched: 0 });
    expect(document.firstMismatch).toMatchObject({ line: 3, history: [{ line: 3 }] });
  });

  it('is 2 for a recording of another architecture, with its place', async () => {
    const args = ['oracle', 'ppc64le/quick-hash', '--design', 's390-6.1', '--json'];
    const run = await ptfrag(args);
    expect(run.status).toBe(2);
    expect(documentIn(run).error).toMatchObject({
      code: 'wrong-architecture',
      file: expect.stringContaining('quick-hash.frag.txt.gz'),
      line: 2,
      expected: 'a recording of s390x, for s390-6.1',
    });
  });

  it('is 3 where nothing was allocated', async () => {
    const run = await ptfrag(['oracle', folder.write(canon('I m1', 'D m1'))]);
    expect(run.status).toBe(3);
    expect(run.stdout).toContain('inconclusive: nothing was allocated');
  });
});

/** The oracle: Linux's rules put each allocation where Linux did, and altered ones do not. */
import { afterAll, describe, expect, it } from 'vitest';
import { geometryNamed } from '#src/core/pgtable/geometry.js';
import { makeRule } from '#src/lab/designs/index.js';
import type { PowerpcV61 } from '#src/lab/designs/linux/powerpc-6.1.js';
import type { LinuxPage, LinuxRule } from '#src/lab/designs/linux/rule.js';
import { S390V61 } from '#src/lab/designs/linux/s390-6.1.js';
import { askOracle, type OracleDocument, type OracleRow } from '#src/lab/oracle/ask.js';
import { Oracle } from '#src/lab/oracle/oracle.js';
import type { TraceHeader } from '#src/lab/trace/form.js';
import { readTrace } from '#src/lab/trace/reader.js';
import * as altered from '../../fixtures/altered-rules.js';
import {
  bundled,
  canon,
  frag,
  RADIX_FRAG,
  S390_FRAG,
  TraceFolder,
} from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

async function rowOf(file: string, design?: string): Promise<OracleRow> {
  const { rows } = await askOracle([file], { design });
  return rows[0] as OracleRow;
}

/** Holds a recording against a rule that has no name. */
async function judge(
  file: string,
  make: (perPage: number[]) => LinuxRule<LinuxPage>,
): Promise<Oracle> {
  let oracle: Oracle | undefined;
  const onHeader = (header: TraceHeader): void => {
    const { kinds } = geometryNamed(header.geometry);
    oracle = new Oracle(make(kinds.map(({ perPage }) => perPage)), header);
  };
  await readTrace(file, (event) => oracle?.event(event), { onHeader });
  oracle?.finish();
  return oracle as Oracle;
}

/** Allocations that the rule would put elsewhere. */
function wrongIn({ judged: { allocations } }: Oracle): number {
  const [pte, pmd] = allocations;
  return pte.checked - pte.matched + pmd.checked - pmd.matched;
}

const all = (checked: number): object => ({ checked, matched: checked });
const pte = (checked: number): object => ({ kind: 'pte', ...all(checked) });
const pmd = (checked: number): object => ({ kind: 'pmd', ...all(checked) });

describe('the kernel puts every allocation where its rule does', () => {
  it.each([
    ['s390x/quick.canon', [pte(1764)], 838],
    ['s390x/mix.canon', [pte(22_092)], 8989],
    ['s390x/mm3.canon', [pte(31_245)], 8438],
    ['s390x/storm.canon', [pte(33_460)], 17_275],
    ['s390x/mm2b.canon', [pte(70_589)], 20_864],
    ['ppc64le/quick-radix.frag', [pte(1791), pmd(209)], 104],
    ['ppc64le/quick-hash.frag', [pte(1802), pmd(173)], 192],
    ['ppc64le/mix-radix.frag', [pte(23_253), pmd(4776)], 2513],
    ['ppc64le/mm-radix.frag', [pte(26_849), pmd(148)], 159],
  ])('%s', async (name, kinds, pages) => {
    const row = await rowOf(bundled(name));
    const right = { mismatches: 0, firstMismatch: null, kinds, releases: all(pages), moved: 0 };
    expect(row).toMatchObject({ ...right, lists: all(0) });
    expect(row.matched).toBe(row.allocations);
  });

  it.each([
    ['s390x/quick.frag', 1764, 838, 0],
    ['s390x/mm2b.frag', 70_589, 20_864, 76],
  ])('%s, and leaves the list that its rule leaves', async (name, count, pages, moved) => {
    const row = await rowOf(bundled(name));
    expect(row).toMatchObject({ mismatches: 0, allocations: count, matched: count, moved });
    expect(row).toMatchObject({ lists: all(count), releases: all(pages) });
  });

  it('counts references as its rule does, but for records in swapped order', async () => {
    const mix = await rowOf(bundled('ppc64le/mix-radix.frag'));
    expect(mix.swappedCounts).toEqual([
      { line: 38_783, page: '194c', count: 112, expected: 113 },
      { line: 38_784, page: '194c', count: 113, expected: 112 },
    ]);
    const mm = await rowOf(bundled('ppc64le/mm-radix.frag'));
    expect(mm.swappedCounts.map(({ page, line }) => [page, line])).toEqual(
      [58_549, 58_553, 58_568, 58_619].map((line) => ['18e6', line]),
    );
  });

  it('under the rules of 6.6 too, as nothing was deferred, but not of 6.7', async () => {
    expect(await rowOf(bundled('s390x/quick.frag'), 's390-6.6')).toMatchObject({ mismatches: 0 });
    const hash = await rowOf(bundled('ppc64le/quick-hash.frag'), 'powerpc-6.6');
    expect(hash).toMatchObject({ design: 'powerpc-6.6', matched: 1975 });
    expect(await rowOf(bundled('s390x/quick.canon'), 's390-6.7')).toMatchObject({ matched: 0 });
  });
});

describe('an altered rule is caught where it can be', () => {
  const S390 = [
    ['free at once to the tail', altered.DirectToTail, 's390x/mm2b.canon', 1969],
    ['look behind a blocked head', altered.SkipBlocked, 's390x/mm2b.canon', 701],
    ['RCU frees to the head', altered.RcuToHead, 's390x/mm3.canon', 15_172],
    ['ignore what is pending', altered.IgnorePending, 's390x/mm3.canon', 5856],
    ['ignore what is pending', altered.IgnorePending, 's390x/storm.canon', 1484],
    ['list a page at the end of the wait', altered.RelistAtEnd, 's390x/quick.canon', 469],
    ['the upper half first', altered.UpperFirst, 's390x/quick.canon', 923],
    // What a recording can't tell: storm has no free at once that matters, and one list entry.
    ['free at once to the tail', altered.DirectToTail, 's390x/storm.canon', 0],
    ['look behind a blocked head', altered.SkipBlocked, 's390x/storm.canon', 0],
  ] as const;

  it.each(S390)('s390: %s, %o, on %s', async (_, Altered, name, wrong) => {
    expect(wrongIn(await judge(bundled(name), () => new Altered()))).toBe(wrong);
  });

  it('s390: by the ends of lists where no allocation shows it', async () => {
    const oracle = await judge(bundled('s390x/quick.frag'), () => new altered.DirectToTail());
    expect(wrongIn(oracle)).toBe(0);
    expect(oracle.judged.lists.checked - oracle.judged.lists.matched).toBeGreaterThan(0);
    expect(oracle.judged.firstMismatch).toMatchObject({ about: 'list' });
  });

  it('s390: by a page that goes back too early', async () => {
    const oracle = await judge(bundled('s390x/quick.canon'), () => new altered.ReleaseEarly());
    expect(oracle.judged.releases.matched).toBeLessThan(oracle.judged.releases.checked);
    expect(oracle.judged.firstMismatch).toMatchObject({ about: 'release' });
  });

  it('powerpc: fragments used again', async () => {
    const make = (perPage: number[]): PowerpcV61 => new altered.ReuseFragments(perPage);
    expect(wrongIn(await judge(bundled('ppc64le/quick-radix.frag'), make))).toBeGreaterThan(50);
  });

  it('powerpc: a lost race that wastes nothing, of which mix-radix has five', async () => {
    const make = (perPage: number[]): PowerpcV61 => new altered.LoserWins(perPage);
    const oracle = await judge(bundled('ppc64le/mix-radix.frag'), make);
    expect(wrongIn(oracle)).toBe(5);
    expect(oracle.judged.firstMismatch).toMatchObject({
      about: 'allocation',
      kernel: 'a fresh page that serves 1 in all',
      rule: 'a fresh page that serves 256 in all',
    });
  });

  it('powerpc: an exit that keeps what it never handed out', async () => {
    const make = (perPage: number[]): PowerpcV61 => new altered.KeepAtExit(perPage);
    const oracle = await judge(bundled('ppc64le/quick-hash.frag'), make);
    expect(wrongIn(oracle)).toBe(0);
    expect(oracle.judged.releases.matched).toBeLessThan(oracle.judged.releases.checked);
  });
});

describe('a mismatch', () => {
  const MM = ['I m1', 'X m1 e', 'N m1 a0.0', 'H m1 a0.1', 'X m1 e', 'N m1 b0.0', 'H m1 b0.1'];

  it('is shown with what came before it on its pages and list', async () => {
    const frees = ['R m1 a0.0 1', 'R m1 b0.0 1', 'U b0.0 0', 'H m1 b0.0'];
    const row = await rowOf(folder.write(canon(...MM, ...frees)));
    expect(row).toMatchObject({ allocations: 5, matched: 4, mismatches: 1 });
    expect(row.firstMismatch).toEqual({
      line: 12,
      about: 'allocation',
      mm: 0,
      kind: 'pte',
      pages: ['b0', 'a0'],
      kernel: 'b0.0, of a page that the mm has',
      rule: 'a fresh page: the first of the list is pending',
      history: [
        { line: 3, what: 'goes for a fresh page: none to look at', list: [], pages: [] },
        { line: 4, what: 'takes a0.0, of a fresh page', list: ['a0'], pages: ['a0=01'] },
        { line: 5, what: 'takes a0.1', list: [], pages: ['a0=03'] },
        { line: 6, what: 'goes for a fresh page: none to look at', list: [], pages: ['a0=03'] },
        {
          line: 7,
          what: 'takes b0.0, of a fresh page',
          list: ['b0'],
          pages: ['b0=01', 'a0=03'],
        },
        { line: 8, what: 'takes b0.1', list: [], pages: ['b0=03', 'a0=03'] },
        { line: 9, what: 'frees a0.0 through RCU', list: ['a0'], pages: ['b0=03', 'a0=12'] },
        { line: 10, what: 'frees b0.0 through RCU', list: ['a0', 'b0'], pages: ['b0=12', 'a0=12'] },
        { line: 11, what: 'the wait of b0.0 ends', list: ['a0', 'b0'], pages: ['b0=02', 'a0=12'] },
        { line: 12, what: 'takes b0.0', list: ['a0'], pages: ['b0=03', 'a0=12'] },
      ],
    });
  });

  it.each([
    ['the wrong reason', ['X m1 p', 'N m1 c0.0'], 'allocation'],
    ['a page that is not fresh', ['F m1 a0.0', 'G a0.0 0', 'X m1 e', 'N m1 c0.0'], 'allocation'],
    [
      'the wrong half',
      ['R m1 a0.1 1', 'U a0.1 0', 'F m1 b0.0', 'G b0.0 0', 'H m1 a0.1'],
      'allocation',
    ],
  ])('is %s', async (_, records, about) => {
    const row = await rowOf(folder.write(canon(...MM, ...records)));
    expect(row.allocations - row.matched).toBe(1);
    expect(row).toMatchObject({ mismatches: 1, firstMismatch: { about } });
  });

  it('is a page that the kernel keeps although its rule gives it back', async () => {
    const frees = ['R m1 a0.0 1', 'R m1 a0.1 1', 'U a0.0 0', 'U a0.1 0', 'X m1 e', 'N m1 c0.0'];
    const row = await rowOf(folder.write(canon(...MM, ...frees)));
    expect(row).toMatchObject({ mismatches: 1, releases: { checked: 1, matched: 0 } });
    expect(row.firstMismatch).toMatchObject({ about: 'release', line: 12, pages: ['a0'] });
  });

  it('is, in a list, one of its ends', async () => {
    const start = ['I m1', 'a m1', 'X m1 -', 'N m1 a0.0 -', 'H m1 a0.1 01 03'];
    const wrong = ['R m1 a0.0 12 a0 b0 va=0'];
    const row = await rowOf(folder.write(frag(S390_FRAG, ...start, ...wrong)));
    expect(row).toMatchObject({ mismatches: 1, lists: { checked: 1, matched: 0 } });
    expect(row.firstMismatch).toMatchObject({
      kernel: 'a list from a0 to b0',
      rule: 'a list from a0 to a0',
    });
  });
});

describe('records that stand elsewhere than what they tell happened', () => {
  const START = ['I m1', 'a m1', 'X m1 -', 'N m1 a0.0 -', 'H m1 a0.1 01 03'];

  it('are an end that comes after the fragment was handed out again', async () => {
    const late = ['R m1 a0.0 12 a0 a0 va=0', 'H m1 a0.0 02 03', 'U a0.0 13 03'];
    const row = await rowOf(folder.write(frag(S390_FRAG, ...START, ...late)));
    expect(row).toMatchObject({ mismatches: 0, moved: 1, matched: 3 });
  });

  it('are an end between the beginning of an allocation and its decision', async () => {
    const free = 'R m1 a0.0 12 a0 a0 va=0';
    const end = 'U a0.0 12 02';
    const fresh = ['X m1 a0 02', 'N m1 b0.0 a0'];
    const within = frag(S390_FRAG, ...START, free, 'a m1', end, ...fresh);
    expect(await rowOf(folder.write(within))).toMatchObject({ mismatches: 0, moved: 1 });
    const before = frag(S390_FRAG, ...START, free, end, 'a m1', ...fresh);
    expect(await rowOf(folder.write(before))).toMatchObject({ mismatches: 1, moved: 0 });
  });

  it('are none where the kernel read that the fragment was in use', async () => {
    const used = ['R m1 a0.0 12 a0 a0 va=0', 'H m1 a0.0 12 03'];
    const file = folder.write(frag(S390_FRAG, ...START, ...used));
    await expect(askOracle([file])).rejects.toMatchObject({ code: 'bad-line', line: 9 });
  });
});

describe('the document', () => {
  it('comes for each recording, then for all, and repeats the first', async () => {
    const seen: OracleRow[] = [];
    const files = [bundled('s390x/quick.canon'), bundled('ppc64le/quick-hash.frag')];
    const onTrace = ({ rows }: OracleDocument): void => void seen.push(...rows);
    const document = await askOracle(files, { onTrace });
    expect(seen).toEqual(document.rows);
    expect(seen).toHaveLength(2);
    const { trace, design, allocations, matched, firstMismatch } = document.rows[0] as OracleRow;
    expect(document).toMatchObject({ trace, design, allocations, matched, firstMismatch });
    expect(document).toMatchObject({ schema: 1, command: 'oracle', verdict: 'holds', ok: true });
  });

  it('leaves it open where nothing was allocated', async () => {
    const document = await askOracle([folder.write(canon('I m1', 'D m1'))]);
    expect(document).toMatchObject({ verdict: 'inconclusive', ok: false, allocations: 0 });
  });
});

describe('what can not be asked', () => {
  const outcome = (files: string[], design?: string): Promise<unknown> =>
    askOracle(files, { design }).catch((error: unknown) => error);

  it('is a recording of another architecture than the rule', async () => {
    const s390 = bundled('s390x/quick.canon');
    expect(await outcome([s390], 'powerpc-6.1')).toMatchObject({
      name: 'InputError',
      code: 'wrong-architecture',
      file: s390,
      line: 1,
      expected: 'a recording of ppc64le, for powerpc-6.1',
    });
    const radix = folder.write(frag(RADIX_FRAG, 'I m1'));
    expect(await outcome([radix], 's390-6.1')).toMatchObject({ line: 2 });
  });

  it('is a design that is no rule of a kernel, or none at all', async () => {
    const file = bundled('s390x/quick.canon');
    for (const name of ['common', 'mail', 'nix', 'toString']) {
      expect(await outcome([file], name)).toMatchObject({ code: 'no-such-design' });
    }
    expect(await outcome([])).toMatchObject({ code: 'no-trace' });
    expect(() => makeRule('whole-page', geometryNamed('s390'))).toThrow('there are: s390-6.1');
  });

  it('is a recording without end, or without beginning', async () => {
    expect(await outcome(['nix'])).toMatchObject({ code: 'not-found', line: 0 });
    expect(await outcome([folder.write('')])).toMatchObject({ code: 'not-a-trace' });
    const cut = canon('I m1', 'X m1 e', 'N m1 a0.0').slice(0, -3);
    expect(await outcome([folder.write(cut)])).toMatchObject({ code: 'truncated', line: 4 });
  });
});

describe('a rule that is asked', () => {
  it('is not changed by being asked', () => {
    const rule = new S390V61();
    rule.createMm(0);
    rule.alloc(0, 0, 0);
    expect(rule.find(0)).toEqual(rule.find(0));
    expect(rule.counts.fresh[0]).toBe(1);
    expect(rule.list(0)).toEqual([0]);
  });
});

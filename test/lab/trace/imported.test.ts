/** The traces that `import` writes: how they are read, refused, compared and replayed. */
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { compareTraces } from '#src/lab/compare/compare.js';
import { replayAlone } from '#src/lab/replay/alone.js';
import { readTrace } from '#src/lab/trace/reader.js';
import { StreamContract } from '../../fixtures/stream-contract.js';
import { TraceFolder } from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

/** An imported trace with these records, 10 ms apart. */
function ptf(geometry: string, records: readonly string[], count: number = records.length): string {
  const lines = records.map((record, i) => `${i + 7} ${10_000 * i} ${record}`);
  return [
    '# ptf 1: page-table events derived from what a program did',
    `# geometry=${geometry}`,
    `# source=strace records=${count} mms=1 faults=assumed-first`,
    '# line t_us op args',
    ...lines,
    '',
  ].join('\n');
}

const S390 = 's390 pte=2 pmd=0 span=100000';
const RADIX = 'powerpc-radix-64k pte=256 pmd=16 span=200000';
const LIFE = ['I m1', 'A m1 0 7f', 'A m1 0 80', 'A m1 0 90', 'F m1 0 80', 'F m1 0 7f', 'F m1 0 90'];
const WHOLE = [...LIFE, 'D m1'];

describe('an imported trace', () => {
  it('tells of tables without a place', async () => {
    const records = ['I m4', 'A m4 0 7f', 'E m4', 'F m4 0 7f', 'D m4'];
    expect(await folder.events(ptf(S390, records))).toEqual([
      'create m0',
      'alloc m0 t0',
      'exit m0',
      'free m0 t0',
      'destroy m0',
    ]);
  });

  it('that does not say when an exit begins has it right before the end of its mm', async () => {
    expect(await folder.events(ptf(S390, ['I m4', 'A m4 0 7f', 'F m4 0 7f', 'D m4']))).toEqual([
      'create m0',
      'alloc m0 t0',
      'free m0 t0',
      'exit m0',
      'destroy m0',
    ]);
  });

  it.each(['make', 'node'])('of the package keeps the contract: %s', async (name) => {
    const contract = new StreamContract();
    const facts = await readTrace(`traces/imported/${name}.ptf.gz`, (event) =>
      contract.event(event),
    );
    expect(facts.mms).toBeGreaterThan(0);
    expect(contract.broken).toEqual([]);
  });

  it('of powerpc leaves no page to an mm that is gone', async () => {
    const file = folder.write(ptf(RADIX, [...WHOLE, 'I m2']));
    const { rows, violations } = await compareTraces([file], { gpUs: 5000 });
    expect(violations).toEqual([]);
    const rules = rows.filter(({ design }) => /^powerpc/.test(design));
    expect(rules.map(({ pages }) => pages.atEnd)).toEqual([0, 0]);
  });

  it('has a header with its geometry and where it comes from', async () => {
    const facts = await readTrace(folder.write(gzipSync(ptf(RADIX, WHOLE))), () => {});
    expect(facts).toMatchObject({
      form: { name: 'imported' },
      architecture: 'ppc64le',
      geometry: 'powerpc-radix-64k',
      perPage: [256, 16],
      imported: { source: 'strace', records: WHOLE.length },
      allocs: [3, 0],
      frees: [3, 0],
    });
  });

  it('keeps PTE and PMD tables of one index apart', async () => {
    const records = ['I m1', 'A m1 1 0', 'A m1 0 0', 'F m1 0 0', 'F m1 1 0', 'D m1'];
    const facts = await readTrace(folder.write(ptf(RADIX, records)), () => {});
    expect(facts).toMatchObject({ allocs: [1, 1], frees: [1, 1] });
  });

  it('is compared under grace periods alone, and no kernel is claimed to be met', async () => {
    const file = folder.write(ptf(S390, WHOLE));
    const document = await compareTraces([file], { gpUs: 5000 });
    expect(document).toMatchObject({ verdict: 'holds', failed: [], violations: [] });
    const modes = new Set(document.rows.map(({ mode, gpUs }) => `${mode} ${gpUs}`));
    expect([...modes]).toEqual(['gp 5000']);
    expect(document.references[0]).toMatchObject({
      importedFrom: 'strace',
      recordedGpUs: null,
      kernel: { mean: 0 },
      limit: { peak: 2 },
    });
  });

  it('is replayed, on one thread with grace periods of 20 ms', async () => {
    const file = folder.write(ptf(S390, WHOLE));
    const rest = { file, design: 'common', sharing: 'mm', geometry: null, seed: 1 } as const;
    const unset = await replayAlone({ ...rest, gpUs: null });
    const set = await replayAlone({ ...rest, gpUs: 20_000 });
    expect({ ...unset, seconds: 0 }).toEqual({ ...set, seconds: 0 });
    expect(unset).toMatchObject({ verdict: 'holds', fresh: 2, reused: 1 });
    expect(unset.gracePeriods).toBeGreaterThan(0);
  });
});

describe('an imported trace is refused', () => {
  it.each([
    ['of another version', 'unknown-version', 1, ptf(S390, WHOLE).replace('ptf 1', 'ptf 2')],
    ['of a geometry that is not there', 'unknown-geometry', 5, ptf('vax pte=2 pmd=0', WHOLE)],
    ['of pages that its geometry has not', 'wrong-shares', 5, ptf('s390 pte=4 pmd=0', WHOLE)],
    ['of PMD tables that never share', 'wrong-shares', 5, ptf('s390 pte=2 pmd=1', WHOLE)],
    ['of a kind without tables', 'wrong-shares', 5, ptf('powerpc-8xx-16k pte=4 pmd=4', WHOLE)],
    ['without a geometry', 'not-a-trace', 5, ptf('', WHOLE)],
    ['without a source', 'not-a-trace', 5, ptf(S390, WHOLE).replace('source=', 'from=')],
    ['without records', 'not-a-trace', 4, ptf(S390, [])],
    ['that ends early', 'truncated', 12, ptf(S390, WHOLE, 9)],
    ['with a table that is there', 'double-alloc', 7, ptf(S390, ['I m1', 'A m1 0 1', 'A m1 0 1'])],
    ['with a free of nothing', 'free-without-alloc', 6, ptf(S390, ['I m1', 'F m1 0 1'])],
    ['with a level that it has not', 'bad-line', 6, ptf(S390, ['I m1', 'A m1 1 1'])],
    ['with an index that is none', 'bad-line', 6, ptf(S390, ['I m1', 'A m1 0 x'])],
    ['with an mm that is none', 'bad-line', 5, ptf(S390, ['I p1'])],
    ['with an mm that was not made', 'unknown-mm', 5, ptf(S390, ['A m1 0 1'])],
    [
      'with an end before its tables',
      'destroyed-with-tables',
      7,
      ptf(S390, [...LIFE.slice(0, 2), 'D m1']),
    ],
    ['with a table after its exit', 'after-exit', 7, ptf(S390, ['I m1', 'E m1', 'A m1 0 1'])],
    ['with a second exit', 'exited-twice', 7, ptf(S390, ['I m1', 'E m1', 'E m1'])],
    ['with another operation', 'unknown-operation', 5, ptf(S390, ['N m1 0 1'])],
    ['with too few arguments', 'bad-line', 6, ptf(S390, ['I m1', 'A m1 0'])],
  ])('%s', async (_name, code, line, text) => {
    const refusal = await folder.refusal(text);
    expect(refusal).toMatchObject({ code, line });
    expect(refusal.expected).not.toBe('');
  });
});

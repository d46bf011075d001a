/**
 * What it takes to add a design or a form of recording: its own file, and its name in a list. Both
 * are added to a copy of the project, which then compares under the one what the other reads.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import type { OracleDocument } from '#src/lab/oracle/ask.js';
import { ProjectCopy } from '../fixtures/copy.js';

/** A page for each table, as s390-6.7, under a name of its own. */
const DESIGN = `
/** A toy: what s390-6.7 does. */
import { type RuleEntry, ruleEntry } from './linux/rule.js';
import { S390V67 } from './linux/s390-6.7.js';

class Toy extends S390V67 {
  override readonly name: string = 'toy';
}

export const TOY: RuleEntry = ruleEntry('toy', 's390x', () => new Toy());
`;

const FORM = `
/** A toy: a kernel's recording in five operations. */
import { TRACE_KIND, WHY } from '../event.js';
import type { Form } from '../form.js';
import { Ledger } from '../ledger.js';
import { Operations } from '../operations.js';

const { pte } = TRACE_KIND;

export const TOY: Form = {
  name: 'toy',
  firstLine: '# toy',
  recognises: (line) => line.startsWith('# toy'),
  ownLine: null,
  headerLines: { geometry: /^# geometry=(\\S+)/ },
  readHeader: ({ geometry }) => {
    return { geometry: geometry?.[1] ?? '', perPage: [2, 0], imported: null };
  },
  columns: ['t_us', 'op', 'seq'],
  begin: (header, at, onEvent) => {
    const ledger = new Ledger(header, at, onEvent);
    const { teller, counts } = ledger;
    const operations = new Operations(ledger)
      .ofMm('new', 1, (mm) => ledger.create(mm))
      .ofMm('end', 1, (mm) => ledger.destroy(mm))
      .ofMm('get', 2, (mm) => ledger.allocFresh(mm, pte, at.fragment(1), WHY.empty, 2))
      .ofMm('use', 2, (mm) => ledger.allocAgain(mm, pte, at.fragment(1)))
      .ofMm('put', 2, (mm) => ledger.freeRcu(mm, pte, at.fragment(1)));
    return { operations, teller, counts };
  },
  hasKernel: true,
  isSequential: true,
  endsLate: false,
  gpUs: 50,
};
`;

const RECORDING = [
  '# toy recording',
  '# geometry=s390',
  '10 new 1 m4',
  '20 get 2 m4 a.0',
  '30 use 3 m4 a.1',
  '40 put 4 m4 a.0',
  '90 put 5 m4 a.1',
  '99 end 6 m4',
  '',
].join('\n');

describe('a design and a form of recording, each a file and its name in a list', () => {
  const copy = new ProjectCopy();
  const recording = join(copy.folder, 'a.txt');
  afterAll(() => copy.remove());

  beforeAll(() => {
    const [designs, forms] = ['src/lab/designs', 'src/lab/trace/forms'];
    copy.write(`${designs}/toy.ts`, DESIGN);
    const wholePage = "import { WHOLE_PAGE } from './whole-page.js';";
    copy.addLineBelow(`${designs}/index.ts`, wholePage, "import { TOY } from './toy.js';");
    copy.addLineBelow(`${designs}/index.ts`, '  S390_V67,', '  TOY,');
    copy.write(`${forms}/toy.ts`, FORM);
    const canon = "import { S390_CANON, S390_FRAG } from './s390.js';";
    copy.addLineBelow(`${forms}/index.ts`, canon, "import { TOY } from './toy.js';");
    const list = readFileSync(join(copy.folder, forms, 'index.ts'), 'utf8');
    copy.write(`${forms}/index.ts`, list.replace(', IMPORTED]', ', IMPORTED, TOY]'));
    copy.write('a.txt', RECORDING);
    copy.build();
  }, 60_000);

  function run<Document>(...args: readonly string[]): Document {
    const all = [copy.main, ...args, '--json'];
    const { stdout } = spawnSync(process.execPath, all, { encoding: 'utf8' });
    return JSON.parse(stdout) as Document;
  }

  it('have figures in a comparison', () => {
    const { rows, references } = run<CompareDocument>('compare', recording);
    const toy = rows.filter(({ design }) => design === 'toy');
    expect(toy).toMatchObject([{ mode: 'gp', gpUs: 50, geometry: 's390', fresh: 2, reused: 0 }]);
    expect(toy[0]?.pages.peak).toBe(2);
    const common = rows.filter(({ design, sharing }) => design === 'common' && sharing === 'mm');
    expect(common).toMatchObject([{ fresh: 1, reused: 1 }]);
    expect(references).toMatchObject([{ allocations: 2, kernel: { fresh: 1, reused: 1 } }]);
  });

  it('are drawn: a design without a look of its own has that of all such designs', () => {
    const file = join(copy.folder, 'a.html');
    const args = [copy.main, 'compare', recording, '--design', 'toy', '--html', file];
    expect(spawnSync(process.execPath, args).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('var(--line-other)');
  });

  it('are known to the oracle', () => {
    expect(run<OracleDocument>('oracle', recording).rows).toMatchObject([
      { form: 'toy', design: 's390-6.1', allocations: 2, matched: 2 },
    ]);
    expect(run<OracleDocument>('oracle', recording, '--design', 'toy').rows).toMatchObject([
      { form: 'toy', design: 'toy', allocations: 2, matched: 0 },
    ]);
  });

  it('are in the messages that list what there is', () => {
    const unknown = run<{ error: { code: string } }>('compare', recording, '--design', 'none');
    expect(JSON.stringify(unknown)).toContain('s390-6.7, toy, powerpc-6.1');
    const text = run<{ error: { expected: string } }>('compare', join(copy.folder, 'package.json'));
    expect(text.error.expected).toContain('or "# toy"');
  });
});

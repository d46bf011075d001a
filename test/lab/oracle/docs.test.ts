/** docs/oracle.md against the oracle: its figures are what it finds, its fields what it prints. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { S390V61 } from '#src/lab/designs/linux/s390-6.1.js';
import type { OracleDocument } from '#src/lab/oracle/ask.js';
import { Oracle } from '#src/lab/oracle/oracle.js';
import { readTrace } from '#src/lab/trace/reader.js';
import * as altered from '../../fixtures/altered-rules.js';
import { documentIn, keyPaths, ptfrag } from '../../fixtures/command.js';
import { bundled, canon, TraceFolder } from '../../fixtures/trace-files.js';

const TEXT = readFileSync(
  fileURLToPath(new URL('../../../docs/oracle.md', import.meta.url)),
  'utf8',
);

/** The rows of the table below a heading, cells by column. */
function tableBelow(heading: string): string[][] {
  const from = TEXT.indexOf(`\n## ${heading}\n`);
  expect(from, heading).toBeGreaterThan(0);
  const rows =
    TEXT.slice(from + 4)
      .split('\n## ')[0]
      ?.match(/^\|.*\|$/gm) ?? [];
  return rows.map((row) => row.slice(2, -2).split(' | '));
}

const counted = (value: number): string => value.toLocaleString('en-US');

/** In the order of the table. */
const ALTERED: readonly (new () => S390V61)[] = [
  altered.DirectToTail,
  altered.SkipBlocked,
  altered.RcuToHead,
  altered.IgnorePending,
  altered.RelistAtEnd,
];

describe('docs/oracle.md', () => {
  let document: OracleDocument;

  beforeAll(async () => {
    document = documentIn<OracleDocument>(await ptfrag(['oracle', '--json']));
  });

  it('has the figures of every recording', () => {
    const [, , ...rows] = tableBelow('What it finds');
    const found = document.rows.map(({ trace, allocations, matched, lists, releases }) => {
      const ends = lists.checked === 0 ? '–' : counted(lists.matched);
      return [trace, counted(allocations), counted(matched), ends, counted(releases.matched)];
    });
    expect([...rows].sort()).toEqual(found.sort());
  });

  it('has what altered rules do on each recording', async () => {
    const [head = [], , ...rows] = tableBelow("What it can't tell");
    expect(rows).toHaveLength(ALTERED.length);
    for (const [column, name] of head.slice(1).entries()) {
      const counts = await wrongUnder(bundled(`s390x/${name}.canon`));
      expect(rows.map((row) => row[column + 1], name)).toEqual(counts.map(counted));
    }
  });

  it('describes each field of the document', async () => {
    const folder = new TraceFolder();
    const file = folder.write(canon('I m1', 'X m1 p', 'N m1 a0.0', 'H m1 a0.1', 'X m1 p'));
    const wrong = await ptfrag(['oracle', file, 'ppc64le/mix-radix', '--json']);
    folder.remove();
    // The first row's mismatch is repeated at the top; an empty array is described by its elements.
    const own = keyPaths(documentIn(wrong)).filter(
      (path) => !path.startsWith('firstMismatch') && path !== 'rows[].swappedCounts',
    );
    const rows = TEXT.split('\n## The document')[1]?.match(/^\| `.*\|$/gm) ?? [];
    const described = rows.flatMap((row) => {
      const [, fields = ''] = row.split('|');
      return [...fields.matchAll(/`([^`]+)`/g)].map(([, field]) => field);
    });
    expect([...described].sort()).toEqual([...own, 'firstMismatch'].sort());
  });
});

/** How many allocations each altered rule would put elsewhere, from one reading. */
async function wrongUnder(file: string): Promise<number[]> {
  let oracles: Oracle[] = [];
  await readTrace(
    file,
    (event) => {
      for (const oracle of oracles) oracle.event(event);
    },
    {
      onHeader: (header) => {
        oracles = ALTERED.map((Altered) => new Oracle(new Altered(), header));
      },
    },
  );
  return oracles.map(
    ({ judged: { allocations } }) => allocations[0].checked - allocations[0].matched,
  );
}

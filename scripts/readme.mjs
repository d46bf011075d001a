/**
 * `npm run docs:readme`: the figures of README.md, made anew. It runs every comparison, asks the
 * oracle about every recording and explores every scenario: about a minute. Tests hold each figure
 * against the real thing where they compute it anyway (test/readme.test.ts,
 * test/checker/proof/catalogue.test.ts).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check } from 'ptfrag/model';
import { CATALOGUE, MUTANTS } from 'ptfrag/proof';
import { formatMib, formatShare, wrap } from '#src/report/text.js';
import { withBlock } from './block.mjs';

const PAGE = new URL('../README.md', import.meta.url);
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const counted = (value) => value.toLocaleString('en-US');

/** Mean and peak pages of PTE tables on each recording, from the document of `compare`. */
export function savingsTable({ references, rows }) {
  const figures = ({ mean, peak }) => `${mean.toFixed(2)} (${peak})`;
  const lines = references
    .filter(({ kind }) => kind === 'pte')
    .map(({ trace, against, kernel, limit, limitAll }) => {
      const rowOf = (design, sharing) =>
        rows.find(
          (row) =>
            row.trace === trace &&
            row.kind === 'pte' &&
            row.mode === 'recorded' &&
            row.design === design &&
            row.sharing === sharing,
        );
      const ours = rowOf('common', 'mm');
      const pages = [kernel, rowOf(against, null).pages, ours.pages].map(figures);
      const others = [rowOf('common', 'all').pages, limit, limitAll].map(figures);
      return [trace, ...pages, formatShare(ours.saved.share), ...others];
    });
  const of = ['kernel', 'today', 'common, mm', 'saved', 'common, all', 'limit', 'limit, all'];
  const heads = ['trace', ...of];
  const rule = heads.map(() => '---');
  return [heads, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** What common saves on each architecture, and at what price, from the same document. */
export function priceSentences({ savings }) {
  const units = [' locks', ' other atomic operations', ' fresh pages'];
  const [first, ...more] = savings
    .filter(({ mode }) => mode === 'recorded')
    .toSorted((one, other) => other.most.bytes - one.most.bytes);
  const price = ({ locks, atomics, fresh }, units) => {
    const figures = [locks.toFixed(1), atomics.toFixed(1), fresh.toFixed(2)];
    const [some, others, pages] = figures.map((figure, at) => figure + (units[at] ?? ''));
    return `${some}, ${others} and ${pages}`;
  };
  const found = ({ architecture, least, most, cost, costAgainst }, who, units, unit) =>
    `On ${architecture} ${who} saves ${formatShare(least.share).replace(' %', '')} to ` +
    `${formatShare(most.share)} (up to ${formatMib(most.bytes)} MiB) and takes ` +
    `${price(cost, units)}${unit}, today's Linux ${price(costAgainst, [])}.`;
  const sentences = [
    found(first, '`common`', units, ' for a table'),
    ...more.map((saving) => found(saving, 'it', [], '')),
  ];
  return wrap(sentences.join(' '), 100).join('\n');
}

/** What the oracle finds on all recordings, from its document. */
export function oracleSentence({ rows }) {
  const sum = (field) => counted(rows.reduce((all, row) => all + row[field], 0));
  return (
    `To compare with Linux, its rules were rebuilt, too. They put ${sum('matched')} of ` +
    `${sum('allocations')} recorded\nallocations where Linux put them ([how](docs/oracle.md)).`
  );
}

/** What `check` explores, with executions and steps summed over its scenarios. */
export function checkSentence({ executions, steps }) {
  const scenarios = CATALOGUE.filter(({ large }) => large !== true).length;
  const large = CATALOGUE.length - scenarios;
  return (
    `\`check\` explores ${scenarios} scenarios completely: ${counted(executions)} executions, ` +
    `${counted(steps)} steps in all.\n\`--large\` adds ${large} more. Its ${MUTANTS.length} mutants, ` +
    'builds that lack one safeguard each, must be found broken.'
  );
}

/** Executions and steps of all scenarios that `check` explores unless told otherwise. */
function explored() {
  const sums = { executions: 0, steps: 0 };
  for (const scenario of CATALOGUE.filter(({ large }) => large !== true)) {
    const { executions, steps, verdict } = check(scenario);
    if (verdict !== 'holds') throw new Error(`${scenario.name}: ${verdict}`);
    sums.executions += executions;
    sums.steps += steps;
  }
  return sums;
}

function documentOf(command) {
  const { stdout } = spawnSync(process.execPath, [MAIN, command, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout);
}

if (import.meta.filename === process.argv[1]) {
  let page = readFileSync(PAGE, 'utf8');
  const compared = documentOf('compare');
  page = withBlock(page, 'savings', savingsTable(compared));
  page = withBlock(page, 'price', priceSentences(compared));
  page = withBlock(page, 'oracle', oracleSentence(documentOf('oracle')));
  page = withBlock(page, 'check', checkSentence(explored()));
  writeFileSync(PAGE, page);
}

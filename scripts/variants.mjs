/**
 * `npm run docs:variants`: the tables of docs/variants.md, counted anew. The costs take no time and
 * a test holds the page against them; the executions explore everything and take about a minute.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { check } from 'ptfrag/model';
import { CATALOGUE, CORES, costOf, SITUATIONS } from 'ptfrag/proof';
import { withBlock } from './block.mjs';

const PAGE = new URL('../docs/variants.md', import.meta.url);

/** Lines of a Markdown table; all but the first column are numbers. */
function table(header, rows) {
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const NAMES = CORES.map(({ name }) => name);

/** Read-modify-writes, and in parentheses the locks taken. */
export function costTable() {
  const rows = SITUATIONS.map((situation) => {
    const costs = CORES.map((core) => costOf(core, situation));
    return [situation.name, ...costs.map(({ writes, locks }) => `${writes} (${locks})`)];
  });
  return table(['', ...NAMES], rows);
}

/** Executions explored, and atomic steps, of each scenario that is explored for all cores. */
function executionTable() {
  const names = CATALOGUE.filter(({ large }) => large !== true).map(({ name }) => name);
  const shared = names.filter((name) => name.startsWith('A/'));
  const sums = CORES.map(() => ({ executions: 0, steps: 0 }));
  const rows = [];
  for (const name of shared.map((name) => name.slice('A/'.length))) {
    const cells = CORES.map((core, column) => {
      const whole = core === CORES[0] ? name : `${core.name.at(-1)}/${name}`;
      const scenario = CATALOGUE.find((each) => each.name === whole);
      if (scenario === undefined) return '';
      const { executions, steps, verdict } = check(scenario);
      if (verdict !== 'holds') throw new Error(`${whole}: ${verdict}`);
      sums[column].executions += executions;
      sums[column].steps += steps;
      return executions.toLocaleString('en-US');
    });
    rows.push([name, ...cells]);
  }
  for (const what of ['executions', 'steps']) {
    rows.push([`all ${what}`, ...sums.map((sum) => sum[what].toLocaleString('en-US'))]);
  }
  return table(['scenario', ...NAMES], rows);
}

if (import.meta.filename === process.argv[1]) {
  let page = readFileSync(PAGE, 'utf8');
  page = withBlock(page, 'costs', costTable());
  page = withBlock(page, 'executions', executionTable());
  writeFileSync(PAGE, page);
}

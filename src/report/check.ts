/** `ptfrag check` for people and for CI: a row a scenario, a row a mutant, and KTAP. */

import type { CheckDocument, MutantRow, ScenarioRow } from '../checker/check/document.js';
import { formatFailure, formatInterleaving } from '../checker/model/report.js';
import type { Paint, Style } from './paint.js';
import { quote } from './shell-words.js';
import { countOf, formatCount, formatSeconds } from './text.js';

/** Room for the longest name of the catalogue; a test asks that each fits. */
const NAME_WIDTH = 41;

const STYLES: Readonly<Record<ScenarioRow['verdict'], Style>> = Object.freeze({
  holds: 'green',
  violated: 'red',
  inconclusive: 'yellow',
});

/**
 * The rows that there are, below their headings. Of a document with more rows at the end of each
 * list the lines only go on: what was printed of the one before stays right.
 */
export function checkTable({ scenarios, mutants }: CheckDocument, paint: Paint): string[] {
  const lines: string[] = [];
  if (scenarios.length > 0) {
    lines.push(paint('bold', scenarioCells('scenario', 'executions', 'steps', 'time', 'verdict')));
    lines.push(...scenarios.map((row) => scenarioLine(row, paint)));
  }
  if (mutants.length > 0) {
    if (lines.length > 0) lines.push('');
    lines.push(paint('bold', mutantCells('mutant', 'caught by', 'steps', 'schedule')));
    lines.push(...mutants.map((row) => mutantLine(row, paint)));
  }
  return lines;
}

function scenarioCells(...[name, executions, steps, time, verdict]: string[]): string {
  const numbers = `${executions?.padStart(10)} ${steps?.padStart(10)} ${time?.padStart(7)}`;
  return `${name?.padEnd(NAME_WIDTH)} ${numbers}  ${verdict}`;
}

function scenarioLine(row: ScenarioRow, paint: Paint): string {
  const { name, executions, steps, seconds, verdict, complete } = row;
  const word =
    paint(STYLES[verdict], verdict) + (complete || verdict !== 'holds' ? '' : ', bounded');
  const counts = [formatCount(executions), formatCount(steps), formatSeconds(seconds)];
  return scenarioCells(name, ...counts, word);
}

function mutantCells(...[name, by, steps, schedule]: string[]): string {
  return `${name?.padEnd(NAME_WIDTH)} ${by?.padEnd(10)} ${steps?.padStart(5)}  ${schedule}`;
}

function mutantLine({ name, caught, complete, ...row }: MutantRow, paint: Paint): string {
  const { rule, steps, schedule } = row;
  if (caught) return mutantCells(name, `${rule}`, `${steps}`, `${schedule}`);
  const survived = rule === 'mutant' ? 'does not apply' : 'survived';
  const word = complete ? survived : 'not found before the bound';
  return `${name.padEnd(NAME_WIDTH)} ${paint(complete ? 'red' : 'yellow', word)}`;
}

/** What went wrong in full: interleavings, and what those mutants are that nothing noticed. */
export function checkFindings({ scenarios, mutants }: CheckDocument, columns?: number): string[] {
  const reports = scenarios
    .map((row) => scenarioReport(row, columns))
    .filter(({ length }) => length > 0);
  const survivors = mutants.filter(({ caught }) => !caught).map((row) => [survivorLine(row)]);
  return [...reports, ...survivors].flatMap((report) => ['', ...report]);
}

/** What is said of a mutant that nothing noticed, or that could not be tried. */
function survivorLine({ name, scenario, about, rule, failure }: MutantRow): string {
  if (rule === 'mutant') return `mutant ${failure?.detail}`;
  return `${name} survives ${scenario}: ${about}`;
}

/** A failure in full, and the command that shows it again; or what a replayed schedule did. */
function scenarioReport(
  { name, failure, replayed }: ScenarioRow,
  columns?: number,
): readonly string[] {
  if (replayed !== null) {
    return ['no rule is broken on this schedule', ...formatInterleaving(name, replayed, columns)];
  }
  if (failure === null) return [];
  const lines = formatFailure({ name }, failure, columns);
  if (failure.schedule === '') return lines;
  return [...lines, '', `replay    ptfrag check ${name} --schedule ${quote(failure.schedule)}`];
}

/** How a mutant is caught, in columns. */
export function mutantReport({ about, scenario, failure }: MutantRow, columns?: number): string[] {
  if (failure === null) return [about];
  return [about, '', ...formatFailure({ name: scenario }, failure, columns)];
}

/** One sentence a line. */
export function checkVerdict(document: CheckDocument): string[] {
  const { scenarios, mutants, verdict, missing } = document;
  const parts: string[] = [];
  if (scenarios.length > 0) parts.push(...explored(scenarios));
  if (mutants.length > 0) {
    const caught = mutants.filter((row) => row.caught).length;
    parts.push(`${caught} of ${countOf(mutants.length, 'mutant')} caught`);
  }
  if (missing.length > 0) parts.unshift(`not here: ${missing.join(', ')}`);
  return [`${verdict}: ${parts.length > 0 ? parts.join('; ') : 'nothing to explore'}.`];
}

function explored(scenarios: readonly ScenarioRow[]): string[] {
  const sum = (of: (row: ScenarioRow) => number): number =>
    scenarios.reduce((total, row) => total + of(row), 0);
  const [steps, seconds] = [sum((row) => row.steps), sum((row) => row.seconds)];
  const counts = `${countOf(
    sum((row) => row.executions),
    'execution',
  )}, ${countOf(steps, 'step')}`;
  const rate = seconds > 0 ? `, ${formatCount(steps / seconds)} steps a second` : '';
  return [coverage(scenarios), counts + rate];
}

function coverage(scenarios: readonly ScenarioRow[]): string {
  const violated = scenarios.filter(({ verdict }) => verdict === 'violated').length;
  const whole = scenarios.filter(({ complete }) => complete).length;
  const bounded = scenarios.filter((row) => !row.complete && row.verdict !== 'violated');
  const parts = [
    [whole, 'explored completely'],
    [bounded.length, `explored up to ${boundsOf(bounded)}`],
    [violated, 'violated'],
  ] as const;
  const [only, ...more] = parts.filter(([count]) => count > 0);
  const all = countOf(scenarios.length, 'scenario');
  if (only === undefined || more.length === 0) return `${all} ${only?.[1]}`;
  return `${all}: ${[only, ...more].map(([count, how]) => `${count} ${how}`).join(', ')}`;
}

/** What bounded these scenarios; of many bounds in steps the largest. */
function boundsOf(scenarios: readonly ScenarioRow[]): string {
  const bounds = scenarios.map(({ bound }) => bound ?? 'a bound');
  const most = Math.max(...bounds.map((bound) => Number(/^(\d+) steps$/.exec(bound)?.[1] ?? 0)));
  const others = new Set(bounds.filter((bound) => !/^\d+ steps$/.test(bound)));
  return [...others, ...(most > 0 ? [`${formatCount(most)} steps`] : [])].join(' or ');
}

/** Kernel Test Anything Protocol, version 1. */
export function ktap({ scenarios, mutants }: CheckDocument): string {
  const tests = [
    ...scenarios.map((row) => ({
      name: row.name,
      ok: row.verdict !== 'violated',
      skipped: row.verdict === 'inconclusive',
      report: scenarioReport(row),
    })),
    ...mutants.map((row) => ({
      name: `mutant ${row.name}`,
      ok: row.caught || !row.complete,
      skipped: !row.caught && !row.complete,
      report: [survivorLine(row)],
    })),
  ];
  const lines = ['KTAP version 1', `1..${tests.length}`];
  tests.forEach(({ ok, name, skipped, report }, at) => {
    if (!ok) lines.push(...report.map((line) => `# ${line}`.trimEnd()));
    const directive = skipped ? ' # SKIP a bound was reached' : '';
    lines.push(`${ok ? 'ok' : 'not ok'} ${at + 1} ${name}${directive}`);
  });
  return lines.join('\n');
}

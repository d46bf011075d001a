/** `ptfrag check` for people and for CI: a row a scenario, a row a mutant, and KTAP. */
import type { CheckDocument, MutantRow, ScenarioRow } from './check-run.js';
import { countOf, formatCount, formatSeconds } from './table.js';
import type { Paint, Style } from './terminal.js';

const NAME_WIDTH = 44;

const STYLES: Readonly<Record<ScenarioRow['verdict'], Style>> = Object.freeze({
  holds: 'green',
  violated: 'red',
  inconclusive: 'yellow',
});

export function scenarioHeader(): string {
  const numbers = `${'executions'.padStart(11)} ${'steps'.padStart(12)} ${'time'.padStart(8)}`;
  return `${'scenario'.padEnd(NAME_WIDTH)} ${numbers}  verdict`;
}

export function scenarioLine(row: ScenarioRow, paint: Paint): string {
  const { name, executions, steps, seconds, verdict, bound, complete } = row;
  const numbers = [formatCount(executions).padStart(11), formatCount(steps).padStart(12)];
  numbers.push(formatSeconds(seconds).padStart(8));
  const how = complete ? 'complete' : `up to ${bound ?? 'a bound'}`;
  const word = paint(STYLES[verdict], verdict);
  return `${name.padEnd(NAME_WIDTH)} ${numbers.join(' ')}  ${word}, ${how}`;
}

export function mutantLine(row: MutantRow, paint: Paint): string {
  const { name, caught, rule, steps } = row;
  const verdict = caught
    ? `${paint('green', 'caught')} by ${rule} in ${countOf(steps, 'step')}`
    : paint('red', 'survived');
  return `${`mutant ${name}`.padEnd(NAME_WIDTH)} ${verdict}`;
}

/** One sentence a line. */
export function checkVerdict(document: CheckDocument): string[] {
  const { scenarios, mutants, verdict } = document;
  const broken = scenarios.filter((row) => row.verdict === 'violated').length;
  const whole = scenarios.filter((row) => row.complete).length;
  const survived = mutants.filter((row) => !row.caught).length;
  const executions = scenarios.reduce((sum, row) => sum + row.executions, 0);
  const mutantsToo =
    mutants.length === 0
      ? ''
      : `; ${mutants.length - survived} of ${countOf(mutants.length, 'mutant')} caught`;
  const explored = `${countOf(scenarios.length, 'scenario')}, ${whole} explored completely`;
  const sum = `${explored}, ${countOf(executions, 'execution')}${mutantsToo}`;
  const bad = broken > 0 ? `, ${broken} violated` : '';
  return [`${verdict}: ${sum}${bad}.`];
}

/** Kernel Test Anything Protocol, version 1. */
export function ktap({ scenarios, mutants }: CheckDocument): string {
  const tests = [
    ...scenarios.map((row) => ({
      ok: row.verdict !== 'violated',
      name: row.name + (row.verdict === 'inconclusive' ? ' # SKIP inconclusive' : ''),
      report: row.report,
    })),
    ...mutants.map((row) => ({ ok: row.caught, name: `mutant ${row.name}`, report: [row.about] })),
  ];
  const lines = ['KTAP version 1', `1..${tests.length}`];
  tests.forEach(({ ok, name, report }, at) => {
    lines.push(`${ok ? 'ok' : 'not ok'} ${at + 1} ${name}`);
    if (!ok) lines.push(...report.map((line) => `# ${line}`.trimEnd()));
  });
  return lines.join('\n');
}

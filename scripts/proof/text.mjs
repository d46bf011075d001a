/**
 * The text of docs/proof.md: each rule with the code that keeps it, the scenarios that ask for it
 * and the mutants that break it. Only put together here: rules and code are those of
 * docs/requirements.md, scenarios and mutants those of the checker, and what no scenario runs is
 * listed next to this file. A rule that lacks one of them is an error, so the document has no blank
 * cell.
 */
import { HEAD } from './head.mjs';
import { UNCOVERED } from './uncovered.mjs';

/** The rules that the checker is for, by letter; X are rules of the checker itself. */
const LETTERS = 'PHGSLRT';

/** Why there is no mutant of a rule. An entry that has become wrong is an error too. */
const WITHOUT_MUTANT = {
  P8:
    'none possible: the rule is about calls that freeing does not make, so there is nothing to ' +
    'take out; the scenario frees when no page is left',
  H5: 'none possible: as P8',
  H9: 'none possible: a count of memory, not an ordering',
};

/** Without the variants: docs/variants.md is about those. */
export function ofTheCore({ catalogue, mutants }) {
  const ours = catalogue.filter(({ design = 'common' }) => design === 'common');
  const names = ours.map(({ name }) => name);
  return { catalogue: ours, mutants: mutants.filter(({ scenario }) => names.includes(scenario)) };
}

export function proofText({ requirements, catalogue, mutants }) {
  const rules = rulesOf(requirements);
  const rows = rules.map((rule) => [
    rule.name,
    rule.what,
    rule.keptBy,
    scenariosOf(rule.name, catalogue),
    mutantsOf(rule.name, mutants),
  ]);
  return [
    HEAD,
    '## Rules\n',
    table(
      ['rule', 'what must be true, or how a hazard is met', 'kept by', 'asked by', 'broken by'],
      rows,
    ),
    '\n## Scenarios\n',
    table(
      ['scenario', 'what is asked', 'threads', 'rules'],
      catalogue.map(({ name, about, threads, rules: served, large }) => [
        `\`${name}\`${large === true ? ' (large)' : ''}`,
        escaped(about),
        `${threads}`,
        served.join(' '),
      ]),
    ),
    '\n## Mutants\n',
    table(
      ['mutant', 'what is taken out or changed', 'in', 'caught by', 'rules'],
      mutants.map(({ name, about, file, scenario, rules: broken }) => [
        `\`${name}\``,
        escaped(about),
        `\`${file.replace(/\.js$/, '.ts')}\``,
        `\`${scenario}\``,
        broken.join(' '),
      ]),
    ),
    '\n## What no scenario runs\n',
    table(
      ['in', 'why'],
      UNCOVERED.map(({ why, where }) => [where.map((name) => `\`${name}\``).join(' '), why]),
    ),
    '',
  ].join('\n');
}

/** Name, sentence and code of each rule, in the order of the document. */
function rulesOf(requirements) {
  const lines = requirements.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const rules = cells
    .filter(([name]) => new RegExp(`^[${LETTERS}]\\d+$`).test(name))
    .map(([name, what, keptBy]) => ({ name, what, keptBy }));
  for (const { name, keptBy } of rules) {
    if (!keptBy.startsWith('`')) throw new Error(`docs/requirements.md: no code keeps ${name}`);
  }
  return rules;
}

function scenariosOf(rule, catalogue) {
  const serving = catalogue.filter(({ rules }) => rules.includes(rule));
  if (serving.length === 0) throw new Error(`no scenario asks for ${rule}`);
  return serving.map(({ name }) => `\`${name}\``).join(' ');
}

function mutantsOf(rule, mutants) {
  const breaking = mutants.filter(({ rules }) => rules.includes(rule));
  const why = WITHOUT_MUTANT[rule];
  if (breaking.length > 0 && why !== undefined) {
    throw new Error(`${rule} has a mutant, and scripts/proof/text.mjs says: ${why}`);
  }
  if (breaking.length === 0 && why === undefined) throw new Error(`no mutant breaks ${rule}`);
  return why ?? breaking.map(({ name }) => `\`${name}\``).join(' ');
}

/** As the cell of a table. */
function escaped(text) {
  return text.replaceAll('|', '\\|');
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const body = rows.map((cells) => {
    const blank = cells.findIndex((cell) => cell.trim() === '');
    if (blank >= 0) throw new Error(`${cells[0]}: nothing under "${heads[blank]}"`);
    return line(cells);
  });
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...body].join('\n');
}

/** The score by module and by operator, and each survivor with its place and what was done. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { DIST } from './build.mjs';
import { whyEquivalent } from './equivalent.mjs';
import { oneLine } from './label.mjs';

/** Where in the sources a place of a built module is. */
export class Lines {
  constructor(modules) {
    this.modules = modules;
    this.maps = new Map();
  }

  placeOf({ file, start }) {
    const before = this.modules.get(file).slice(0, start).split('\n');
    const entry = this.mapOf(file).findEntry(before.length - 1, before.at(-1).length);
    return `${file.replace(/\.js$/, '.ts')}:${entry.originalLine + 1}`;
  }

  mapOf(file) {
    if (!this.maps.has(file)) {
      const text = readFileSync(join(DIST, `${file}.map`), 'utf8');
      this.maps.set(file, new SourceMap(JSON.parse(text)));
    }
    return this.maps.get(file);
  }
}

const ENDS = ['killed', 'survived', 'equivalent', 'unreached', 'open'];

/** What became of a mutant; a survivor that makes no difference is none. */
function endOf(mutant, results) {
  const end = results.mutants.get(mutant.key)?.end ?? 'open';
  return end === 'survived' && whyEquivalent(mutant) !== null ? 'equivalent' : end;
}

function tally(mutants, results, groupOf) {
  const groups = new Map();
  for (const mutant of mutants) {
    const group = groupOf(mutant);
    const counts = groups.get(group) ?? Object.fromEntries(ENDS.map((end) => [end, 0]));
    counts[endOf(mutant, results)]++;
    groups.set(group, counts);
  }
  return groups;
}

const columnOf = (text) => `${text}`.padStart(11);

function rowOf(name, counts) {
  const judged = counts.killed + counts.survived;
  const share = judged === 0 ? '' : `${Math.floor((100 * counts.killed) / judged)} %`;
  const cells = ENDS.map((end) => columnOf(counts[end]));
  return `${name.padEnd(28)}${cells.join('')}${share.padStart(7)}`;
}

function tableOf(title, groups) {
  const head = `${title.padEnd(28)}${ENDS.map(columnOf).join('')}  score`;
  return [head, ...[...groups].map(([name, counts]) => rowOf(name, counts)), ''];
}

const short = (text) => oneLine(text).slice(0, 110);

export function printReport(mutants, results, lines) {
  const told = mutants
    .filter((mutant) => endOf(mutant, results) === 'survived')
    .map((mutant) => {
      const { operator, within, text, replacement } = mutant;
      const place = `${lines.placeOf(mutant)} ${within}`;
      return `${place}  ${operator}  ${short(text)}  ->  ${short(replacement)}`;
    });
  const parts = [
    ...tableOf(
      'module',
      tally(mutants, results, ({ file }) => file),
    ),
    ...tableOf(
      'operator',
      tally(mutants, results, ({ operator }) => operator),
    ),
    ...tableOf(
      'all',
      tally(mutants, results, () => ''),
    ),
    ...told,
  ];
  console.log(parts.join('\n'));
}

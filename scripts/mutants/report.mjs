/** The score by module and by operator, and each survivor with its place and what was done. */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { DIST } from './build.mjs';

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

const ENDS = ['killed', 'survived', 'unreached'];

function tally(mutants, results, groupOf) {
  const groups = new Map();
  for (const mutant of mutants) {
    const group = groupOf(mutant);
    const counts = groups.get(group) ?? { killed: 0, survived: 0, unreached: 0, open: 0 };
    counts[results.mutants.get(mutant.key)?.end ?? 'open']++;
    groups.set(group, counts);
  }
  return groups;
}

function rowOf(name, counts) {
  const reached = counts.killed + counts.survived;
  const share = reached === 0 ? '' : `${Math.floor((100 * counts.killed) / reached)} %`;
  const cells = [...ENDS, 'open'].map((end) => `${counts[end]}`.padStart(10));
  return `${name.padEnd(28)}${cells.join('')}${share.padStart(7)}`;
}

function tableOf(title, groups) {
  const head = `${title.padEnd(28)}${[...ENDS, 'open'].map((end) => end.padStart(10)).join('')}  score`;
  return [head, ...[...groups].map(([name, counts]) => rowOf(name, counts)), ''];
}

const oneLine = (text) => text.replace(/\s+/g, ' ').slice(0, 110);

export function printReport(mutants, results, lines) {
  const survivors = mutants.filter(({ key }) => results.mutants.get(key)?.end === 'survived');
  const told = survivors.map((mutant) => {
    const { operator, text, replacement } = mutant;
    return `${lines.placeOf(mutant)}  ${operator}  ${oneLine(text)}  ->  ${oneLine(replacement)}`;
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

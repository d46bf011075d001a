/** Which recordings a command means: those of the package by name, any other by its path. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wrap } from '../../report/text.js';

/** A file, and what people and documents call it. */
export interface NamedTrace {
  readonly file: string;
  readonly name: string;
}

const FOLDER: string = fileURLToPath(new URL('../../../traces/', import.meta.url));
/** Of the names in a help, which 80 columns must hold. */
const NAMES_COLUMNS = 76;

const SUFFIX = '.txt.gz';
const IMPORTED_SUFFIX = '.ptf.gz';

/** Forms of a recording that hold its allocations, the better one first. */
const FORMS = ['.canon', '.frag'] as const;

/** The package's recordings, each in its better form, by name. */
export function bundledTraces(): NamedTrace[] {
  const names = allNames();
  const recordings = new Set(names.map((name) => name.replace(/\.\w+$/, '')));
  return [...recordings].sort().map((recording) => {
    const form = FORMS.find((suffix) => names.includes(recording + suffix));
    return bundled(`${recording}${form}`);
  });
}

/** Both forms of the package's recordings, where there are two. */
export function bundledForms(): NamedTrace[] {
  return allNames().sort().map(bundled);
}

/** What the package has of other programs, by name. */
function importedTraces(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(IMPORTED_SUFFIX))
    .map((path) => path.slice(0, -IMPORTED_SUFFIX.length).replaceAll('\\', '/'))
    .sort();
}

/** For the help of commands that take recordings: how one is named. */
export function traceNotes(): string {
  const names = [...bundledTraces().map(({ name }) => name), ...importedTraces()];
  const lines = wrap(names.join(', '), NAMES_COLUMNS).map((line) => `  ${line}`);
  return ['A TRACE is a file, or the name of a recording of the package:', ...lines].join('\n');
}

/** Those that were asked for, each once; where none was, `ours`. */
export function tracesAsked(given: readonly string[], ours: NamedTrace[]): NamedTrace[] {
  return given.length > 0 ? [...new Set(given)].map(findTrace) : ours;
}

/** A path; or the name of one of the package's recordings, with its form or without. */
export function findTrace(given: string): NamedTrace {
  if (existsSync(given)) return { file: given, name: given };
  if (importedTraces().includes(given)) {
    return { file: FOLDER + given + IMPORTED_SUFFIX, name: given };
  }
  const names = allNames();
  const found = ['', ...FORMS].map((form) => given + form).find((name) => names.includes(name));
  return found === undefined ? { file: given, name: given } : bundled(found);
}

function bundled(name: string): NamedTrace {
  return { file: FOLDER + name + SUFFIX, name };
}

function allNames(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => FORMS.some((form) => path.endsWith(form + SUFFIX)))
    .map((path) => path.slice(0, -SUFFIX.length).replaceAll('\\', '/'));
}

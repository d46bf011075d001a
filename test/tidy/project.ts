/** What no file shows alone: the direction of imports, dead files, labels that come in pairs. */
import { posix } from 'node:path';
import { type Finding, finding, folderOf, lineAt, type Source } from './source.js';

/** A folder imports only from itself and from those before it. */
const LAYERS = [
  'base',
  'mem',
  'rcu',
  'frag',
  'pgtable',
  'api',
  'designs',
  'trace',
  'model',
  'torture',
  'cli',
];

/** What runs in any engine and in the checker: no packages, nothing of Node's. */
const CORE = ['base', 'mem', 'rcu', 'frag', 'pgtable', 'model'];

/** Files that are started or published instead of imported. */
const ENTRIES = [/^src\/(?:api|model)\/index\.ts$/, /^src\/cli\/main\.ts$/, /worker\.ts$/];

interface Import {
  readonly line: number;
  readonly specifier: string;
}

/** Static, dynamic, re-exporting and type imports. */
export function importsOf(file: Source): Import[] {
  return file.strings
    .filter(({ start }) => /\b(?:from|import|import\s*\()\s*$/.test(file.code.slice(0, start)))
    .map(({ start, value }) => ({ line: lineAt(file, start), specifier: value }));
}

export function checkImports(file: Source): Finding[] {
  if (!file.path.startsWith('src/')) return [];
  const folder = folderOf(file.path);
  if (!LAYERS.includes(folder)) {
    return [finding(file, 1, `src/${folder} is no layer; the layers are ${LAYERS.join(', ')}`)];
  }
  return importsOf(file).flatMap(({ line, specifier }) => {
    const problem = importProblem(file.path, folder, specifier);
    return problem === null ? [] : [finding(file, line, `imports '${specifier}': ${problem}`)];
  });
}

function importProblem(path: string, folder: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) {
    if (specifier.startsWith('#')) return 'inside src, name the file: ./x.js';
    return CORE.includes(folder) ? `src/${folder} imports no package and nothing of Node's` : null;
  }
  const target = folderOf(resolve(path, specifier));
  if (!LAYERS.includes(target)) return `outside the layers of src`;
  if (LAYERS.indexOf(target) <= LAYERS.indexOf(folder)) return null;
  return `src/${target} is above src/${folder}; imports go down: ${LAYERS.join(' < ')}`;
}

function resolve(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

export function checkDeadFiles(files: readonly Source[]): Finding[] {
  const sources = files.filter((file) => file.path.startsWith('src/'));
  const imported = new Set(
    sources.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolve(file.path, specifier)),
    ),
  );
  return sources
    .filter(({ path }) => !imported.has(path) && !ENTRIES.some((entry) => entry.test(path)))
    .map((file) => finding(file, 1, 'a dead file: no file of src imports it, and it is no entry'));
}

interface Label {
  readonly file: Source;
  readonly line: number;
  readonly kind: string;
  readonly name: string;
}

/** One or more labels and a colon. A mention in the middle of a sentence is no label. */
const LABELS = /^(?:(?:PUBLISH|OBSERVE|CLAIM)\([\w-]+\)(?:, | and )?)+:/;

/** A store that readers rely on names its edge, and so does the load at the other end. */
export function checkLabels(files: readonly Source[]): Finding[] {
  const labels = files.filter((file) => file.path.startsWith('src/')).flatMap(labelsOf);
  const has = (kind: string, name: string): boolean =>
    labels.some((label) => label.kind === kind && label.name === name);
  return labels.flatMap(({ file, line, kind, name }) => {
    const other = kind === 'PUBLISH' ? 'OBSERVE' : 'PUBLISH';
    if (has(other, name)) return [];
    return [finding(file, line, `${kind}(${name}) has no ${other}(${name}): name both ends`)];
  });
}

function labelsOf(file: Source): Label[] {
  return file.comments.flatMap(({ line, text }) => {
    const labels = LABELS.exec(text)?.[0] ?? '';
    return [...labels.matchAll(/(PUBLISH|OBSERVE)\(([\w-]+)\)/g)].map((match) => ({
      file,
      line,
      kind: match[1] as string,
      name: match[2] as string,
    }));
  });
}

/** What no file shows alone: the direction of imports, dead files, labels that come in pairs. */
import { posix } from 'node:path';
import { ROOMS, type Room, type RoomName } from '#src/rooms.js';
import { type Finding, finding, lineAt, roomOf, type Source } from './source.js';

/** The list itself, which belongs to no room. */
const LIST = 'src/rooms.ts';

/** Files that are started or published instead of imported. */
const ENTRIES = [
  /^src\/(?:api|api\/pgtable|api\/recovery|checker\/model|checker\/proof)\/index\.ts$/,
  /^src\/cli\/main\.ts$/,
  /worker\.ts$/,
];

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
  if (!file.path.startsWith('src/') || file.path === LIST) return [];
  const name = roomOf(file.path);
  if (name === null) return [finding(file, 1, `in no room; the rooms are in ${LIST}`)];
  return importsOf(file).flatMap(({ line, specifier }) => {
    const problem = importProblem(file.path, name, specifier);
    return problem === null ? [] : [finding(file, line, `imports '${specifier}': ${problem}`)];
  });
}

function importProblem(path: string, name: string, specifier: string): string | null {
  const room: Room = ROOMS[name as RoomName];
  if (!specifier.startsWith('.')) {
    if (specifier.startsWith('#')) return 'inside src, name the file: ./x.js';
    return room.standsAlone ? `${name} imports no package and nothing of Node's` : null;
  }
  const target = resolve(path, specifier);
  if (target === LIST) return null;
  const imported = roomOf(target);
  if (!target.startsWith('src/') || imported === null) return 'outside the rooms of src';
  if (imported === name || room.mayImport.includes(imported as RoomName)) return null;
  return `${name} may import ${room.mayImport.join(', ') || 'nothing'}; see ${LIST}`;
}

/** An arrow that nothing needs is one that nobody decided to keep. */
export function checkArrows(files: readonly Source[]): Finding[] {
  const list = files.find(({ path }) => path === LIST);
  if (list === undefined) return [];
  const needed = new Set(
    files.flatMap((file) =>
      importsOf(file).map(
        ({ specifier }) => `${roomOf(file.path)} ${roomOf(resolve(file.path, specifier))}`,
      ),
    ),
  );
  return Object.entries<Room>(ROOMS).flatMap(([name, { mayImport }]) =>
    mayImport
      .filter((imported) => !needed.has(`${name} ${imported}`))
      .map((imported) => finding(list, 1, `${name} may import ${imported}, and does not`)),
  );
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

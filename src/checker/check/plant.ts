/**
 * The built core, and what needs it, as files: a copy with a mutant in it, and a mark of what they
 * are.
 *
 * Only modules that need the one that is changed are copied. They import the others from where they
 * are: whoever explores one mutant after the other has one checker, which is warm after the first.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { neededBy, type RoomName } from '../../rooms.js';
import { applyMutant, type Mutant } from '../model/mutant.js';

const DIST = new URL('../..', import.meta.url);

/** What exploring scenarios needs. */
const FOLDERS: readonly string[] = neededBy('proof').map(({ folder }) => folder);

const CATALOGUE = 'checker/proof/catalogue.js';

/** As the compiler writes it: an import, or the module that a thread is started with. */
const IMPORT = /\b(from |import |new URL\()'(\.{1,2}\/[^']+)'/g;

interface Module {
  readonly text: string;
  readonly imports: readonly string[];
}

/** The modules, by their paths in the build. */
export type Build = ReadonlyMap<string, Module>;

export interface Planted {
  /** To be removed by the caller. */
  readonly folder: string;
  /** The module that exports `scenarioNamed`. */
  readonly catalogue: URL;
}

/** Of all that a room needs; default: what exploring scenarios does. */
export function readBuild(room: RoomName = 'proof'): Build {
  const folders = neededBy(room).map(({ folder }) => folder);
  return new Map(folders.flatMap(modulesOf).map((name) => [name, readModule(name)]));
}

function modulesOf(folder: string): string[] {
  const names = readdirSync(new URL(`${folder}/`, DIST), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.js'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();
}

function readModule(name: string): Module {
  const text = readFileSync(new URL(name, DIST), 'utf8');
  return { text, imports: [...text.matchAll(IMPORT)].map(([, , path]) => pathOf(name, path)) };
}

/** The path in the build of what a module imports. */
function pathOf(name: string, imported: string | undefined): string {
  return new URL(imported as string, `file:///${name}`).pathname.slice(1);
}

/** A copy within `copies`. Throws `InvariantError` for a patch that no longer applies. */
export function plantMutant(mutant: Mutant, copies: string, build: Build = readBuild()): Planted {
  return plantText(mutant.file, applyMutant(mutant, textOf(build, mutant.file)), copies, build);
}

/** A copy in which the module `file` has another text. */
export function plantText(file: string, changed: string, copies: string, build: Build): Planted {
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(copies, 'mutant-'));
  const copied = dependentsOf(file, build);
  for (const name of copied) {
    const text = name === file ? changed : textOf(build, name);
    const to = join(folder, name);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, withImports(name, text, copied));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  return { folder, catalogue: pathToFileURL(join(folder, CATALOGUE)) };
}

function textOf(build: Build, name: string): string {
  const found = build.get(name);
  if (found === undefined) throw new Error(`no module ${name} in ${fileURLToPath(DIST)}`);
  return found.text;
}

/** A module and all that import it, or import such a one. */
function dependentsOf(name: string, build: Build): ReadonlySet<string> {
  const found = new Set([name]);
  // What is added is come to later.
  for (const each of found) {
    for (const [other, { imports }] of build) if (imports.includes(each)) found.add(other);
  }
  return found;
}

/** The text of a copy: what is not copied too is imported from the build. */
function withImports(name: string, text: string, copied: ReadonlySet<string>): string {
  return text.replace(IMPORT, (whole: string, word: string, imported: string) => {
    const path = pathOf(name, imported);
    return copied.has(path) ? whole : `${word}'${new URL(path, DIST).href}'`;
  });
}

/** Differs between two builds whose core, scenarios, mutants or checker differ. */
export function markOfBuild(): string {
  const hash = createHash('sha256');
  for (const name of FOLDERS.flatMap(modulesOf)) {
    hash.update(`${name}\n`);
    hash.update(readFileSync(new URL(name, DIST)));
  }
  return hash.digest('hex').slice(0, 16);
}

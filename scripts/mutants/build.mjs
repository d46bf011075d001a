/** A copy of the built core with its checker and catalogue, in which one module is changed. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { neededBy, ROOMS } from '../../dist/rooms.js';

export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The rooms whose code is changed. */
const CHANGED = ['mem', 'rcu', 'frag', 'pgtable'].map((name) => ROOMS[name].folder);
const FOLDERS = neededBy('proof').map(({ folder }) => folder);

const isCode = (path) => !/\.(?:map|d\.ts)$/.test(path);

function modulesOf(folder) {
  return readdirSync(join(DIST, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.js'))
    .sort();
}

/** The modules that are changed, by their paths in the build, with their texts. */
export function coreModules() {
  const names = CHANGED.flatMap(modulesOf);
  return new Map(names.map((name) => [name, readFileSync(join(DIST, name), 'utf8')]));
}

/** Differs between two builds whose core, checker or catalogue differ. */
export function markOfBuild() {
  const hash = createHash('sha256');
  for (const name of FOLDERS.flatMap(modulesOf)) {
    hash.update(`${name}\n`).update(readFileSync(join(DIST, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** A copy in a folder of its own. A run of a mutant changes one file of it, and puts it back. */
export class Copy {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'ptfrag-mutants-'));
    for (const part of FOLDERS) {
      cpSync(join(DIST, part), join(this.folder, part), { recursive: true, filter: isCode });
    }
    writeFileSync(join(this.folder, 'package.json'), '{"type":"module"}');
  }

  get url() {
    return pathToFileURL(`${this.folder}/`).href;
  }

  change(file, text) {
    writeFileSync(join(this.folder, file), text);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

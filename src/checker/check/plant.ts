/** The built core and model as files: a copy with a mutant in it, and a mark of what they are. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { neededBy } from '../../rooms.js';
import { applyMutant, type Mutant } from '../model/mutant.js';

const DIST = fileURLToPath(new URL('../..', import.meta.url));

/** What a worker that explores scenarios imports: what proof needs, and so no thread of Node's. */
const FOLDERS: readonly string[] = neededBy('proof').map(({ folder }) => folder);

const WORKER = 'checker/check/worker.js';

/** Not the types, nor the maps: most of the bytes. */
const isCode = (path: string): boolean => !/\.(?:map|d\.ts)$/.test(path);

export interface Planted {
  /** To be removed by the caller. */
  readonly folder: string;
  readonly worker: URL;
}

/** A copy within `copies`. Throws `InvariantError` for a patch that no longer applies. */
export function plantMutant(mutant: Mutant, copies: string): Planted {
  const text = applyMutant(mutant, readFileSync(join(DIST, mutant.file), 'utf8'));
  mkdirSync(copies, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(copies, 'mutant-'));
  for (const part of [...FOLDERS, WORKER]) {
    cpSync(join(DIST, part), join(folder, part), { recursive: true, filter: isCode });
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, mutant.file), text);
  return { folder, worker: pathToFileURL(join(folder, WORKER)) };
}

/** Differs between two builds whose core, scenarios, mutants or checker differ. */
export function markOfBuild(): string {
  const hash = createHash('sha256');
  for (const folder of FOLDERS) {
    const names = readdirSync(join(DIST, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((each) => each.endsWith('.js')).sort()) {
      hash.update(`${folder} ${name.replaceAll('\\', '/')}\n`);
      hash.update(readFileSync(join(DIST, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Planting a mutant: a copy of the built core and model, with its patch. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { applyMutant, type Mutant } from '../model/mutant.js';

const DIST = fileURLToPath(new URL('..', import.meta.url));

/** What a worker that explores scenarios imports. */
const FOLDERS = ['base', 'mem', 'rcu', 'frag', 'pgtable', 'designs', 'model'];

const WORKER = 'cli/check-worker.js';

/** Not the types, nor the maps: most of the bytes. */
const isCode = (path: string): boolean => !/\.(?:map|d\.ts)$/.test(path);

export interface Planted {
  /** To be removed by the caller. */
  readonly folder: string;
  readonly worker: URL;
}

/** Throws `InvariantError` for a patch that no longer applies. */
export function plantMutant(mutant: Mutant): Planted {
  const text = applyMutant(mutant, readFileSync(join(DIST, mutant.file), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'ptfrag-mutant-'));
  for (const part of [...FOLDERS, WORKER]) {
    cpSync(join(DIST, part), join(folder, part), { recursive: true, filter: isCode });
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, mutant.file), text);
  return { folder, worker: pathToFileURL(join(folder, WORKER)) };
}

/** Planting a mutant: a copy of the built core and model with one exact text replaced. */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InvariantError } from '../base/errors.js';
import type { Mutant } from '../model/mutant.js';

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

/**
 * Throws `InvariantError` where the text to replace is not there just once: the core has changed.
 */
export function plantMutant({ name, file, find, replace }: Mutant): Planted {
  const folder = mkdtempSync(join(tmpdir(), 'ptfrag-mutant-'));
  for (const part of [...FOLDERS, WORKER]) {
    cpSync(join(DIST, part), join(folder, part), { recursive: true, filter: isCode });
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const count = text.split(find).length - 1;
  if (count !== 1) {
    const found = `${file} has "${find}" ${count} times, it must have it once`;
    throw new InvariantError('mutant', `${name} does not apply: ${found}`);
  }
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  return { folder, worker: pathToFileURL(join(folder, WORKER)) };
}

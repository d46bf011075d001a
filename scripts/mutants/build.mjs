/** The modules of the built core that are changed. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOMS } from '../../dist/rooms.js';

export const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The rooms whose code is changed. */
const CHANGED = ['mem', 'rcu', 'frag', 'pgtable'].map((name) => ROOMS[name].folder);

function modulesOf(folder) {
  return readdirSync(join(DIST, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.js'))
    .sort();
}

/** By their paths in the build, with their texts. */
export function coreModules() {
  const names = CHANGED.flatMap(modulesOf);
  return new Map(names.map((name) => [name, readFileSync(join(DIST, name), 'utf8')]));
}

/**
 * Whether dist/ is what the sources say, and how it is made so.
 *
 * The build goes to a folder of its own that then takes dist/'s place: files of deleted sources
 * disappear, a failed build leaves the last good one alone, and whoever runs from dist/ meanwhile
 * sees the old files or the new ones, never half of them.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readOptional } from './files.mjs';

const STAMP = '.build-stamp';
const COMMAND = join('cli', 'main.js');

/** Why a build is needed, or null. */
export function buildNeeded(root) {
  const dist = join(root, 'dist');
  const stamp = readOptional(join(dist, STAMP));
  if (stamp === null) return existsSync(dist) ? 'dist is of unknown origin' : 'first time';
  if (stamp !== currentStamp(root)) return 'sources changed';
  const lost = sources(root).find((path) => !existsSync(join(dist, path.replace(/\.ts$/, '.js'))));
  return lost === undefined ? null : `dist lacks what src/${lost} becomes`;
}

/** The stamp is taken before the compiler reads: a file edited meanwhile asks for another build. */
export function startBuild(root) {
  rmSync(join(root, '.dist-new'), { recursive: true, force: true });
  return {
    compiler: join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    args: ['-p', 'tsconfig.json', '--outDir', '.dist-new'],
    stamp: currentStamp(root),
  };
}

export function finishBuild(root, stamp) {
  const [fresh, dist, old] = ['.dist-new', 'dist', '.dist-old'].map((name) => join(root, name));
  if (existsSync(join(fresh, COMMAND))) chmodSync(join(fresh, COMMAND), 0o755);
  writeFileSync(join(fresh, STAMP), stamp);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
}

/** Contents, not times: a checkout or a copy changes times and nothing else. */
function currentStamp(root) {
  const hash = createHash('sha256');
  const paths = sources(root).map((path) => join('src', path));
  for (const path of ['tsconfig.json', 'package-lock.json', ...paths]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return `${hash.digest('hex')}\n`;
}

/** Every source file's path below src/, in one order on all machines. */
function sources(root) {
  const src = join(root, 'src');
  if (!existsSync(src)) return [];
  const names = readdirSync(src, { recursive: true });
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort();
}

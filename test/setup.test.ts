/**
 * The set-up that runs before start and test: an old Node is told so, one process works at a time,
 * a dead one's lock is taken over, and only what changed is built.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildNeeded, finishBuild, startBuild } from '../scripts/setup/build.mjs';
import { installNeeded, recordInstall, startInstall } from '../scripts/setup/install.mjs';

const SCRIPTS = fileURLToPath(new URL('../scripts', import.meta.url));

/** Above every process number that Linux, macOS or Windows hands out, and below 2^31. */
const DEAD_PROCESS = 2_000_000_011;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ptfrag-setup-'));
  cpSync(SCRIPTS, join(root, 'scripts'), { recursive: true });
  write(
    'package-lock.json',
    '{ "packages": { "": {}, "node_modules/x": { "version": "1.0.0" } } }',
  );
  write('tsconfig.json', '{}');
  write('src/mem/lock.ts', 'export const a = 1;');
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** What tsc would leave behind, then the change of places. */
function build(...outputs: string[]): void {
  const { stamp } = startBuild(root);
  for (const path of outputs) write(`.dist-new/${path}`, 'export const a = 1;');
  finishBuild(root, stamp);
}

it('tells an old Node what is needed, in one sentence', () => {
  write('old.cjs', "Object.defineProperty(process.versions, 'node', { value: '20.18.9' });");
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--require', join(root, 'old.cjs'), join(root, 'scripts/setup.mjs')],
    { encoding: 'utf8' },
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/^ptfrag needs Node 20\.19 or newer; this is v[\d.]+\.\n$/);
});

it('lets one process work at a time, also where a dead one left its lock', async () => {
  write('.setup.lock', `${DEAD_PROCESS} 0123456789abcdef`);
  write(
    'work.mjs',
    `import { appendFileSync } from 'node:fs';
     import { acquire, release } from './scripts/setup/lock.mjs';
     await acquire(${JSON.stringify(root)}, () => {});
     appendFileSync('log', 'in ');
     await new Promise((resolve) => setTimeout(resolve, 20));
     appendFileSync('log', 'out ');
     release(${JSON.stringify(root)});`,
  );
  const start = () => promisify(execFile)(process.execPath, ['work.mjs'], { cwd: root });
  await Promise.all([start(), start(), start(), start()]);
  expect(readFileSync(join(root, 'log'), 'utf8')).toBe('in out '.repeat(4));
});

it('builds when sources or outputs differ, and only then', () => {
  expect(buildNeeded(root)).toBe('first time');
  build('mem/lock.js', 'cli/main.js');
  expect(buildNeeded(root)).toBe(null);

  write('src/mem/lock.ts', 'export const a = 2;');
  expect(buildNeeded(root)).toBe('sources changed');
  build('mem/lock.js');
  expect(buildNeeded(root)).toBe(null);

  rmSync(join(root, 'dist/mem/lock.js'));
  expect(buildNeeded(root)).toBe('dist lacks what src/mem/lock.ts becomes');
});

it('leaves nothing of a deleted source in dist', () => {
  build('mem/lock.js', 'mem/gone.js');
  build('mem/lock.js');
  expect(() => readFileSync(join(root, 'dist/mem/gone.js'))).toThrow('ENOENT');
});

it('installs when the lockfile asks for it, not when npm already did what it says', () => {
  expect(installNeeded(root)).toBe('there are none yet');
  const record = '{ "packages": { "node_modules/x": { "version": "1.0.0" } } }';
  write('node_modules/.package-lock.json', record.replace('1.0.0', '0.9.0'));
  expect(installNeeded(root)).toBe('package-lock.json asks for others');
  write('node_modules/.package-lock.json', record);
  expect(installNeeded(root)).toBe(null);

  // One that was cut short looks like none.
  startInstall(root);
  expect(installNeeded(root)).toBe('package-lock.json asks for others');
  recordInstall(root);
  expect(installNeeded(root)).toBe(null);
});

/** The tests of a room, run on a checkout in which one built module of the room is changed. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['dist', 'test', 'scripts', 'src', 'package.json', 'tsconfig.json'];
const LINKED = ['node_modules', 'traces', 'docs', 'README.md', 'CHANGELOG.md', 'vitest.config.ts'];

/** Only for what never ends: the tests of a room take seconds. */
const SECONDS_MAX = 300;

/** A checkout of its own: tests import the built modules by the name of the package they are in. */
export class Checkout {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'ptfrag-mutants-tests-'));
    for (const name of COPIED) {
      cpSync(join(ROOT, name), join(this.folder, name), { recursive: true });
    }
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name));
  }

  change(file, text) {
    writeFileSync(join(this.folder, 'dist', file), text);
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where the tests of a module are: those of its room. */
export function testsOf(file) {
  const [, room] = /^core\/(\w+)\//.exec(file);
  return `test/core/${room}`;
}

/** Whether some test of a folder fails, or none of them ends. */
export function fails(checkout, folder) {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', folder, '--bail', '1'], {
      cwd: checkout.folder,
      stdio: 'ignore',
      detached: true,
    });
    // The group: it has processes of its own.
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), SECONDS_MAX * 1000);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code !== 0);
    });
  });
}

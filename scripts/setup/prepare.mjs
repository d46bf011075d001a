/**
 * The two steps of the set-up, under one lock: install when the lockfile asks for it, build when
 * the sources do. Each step says on stderr that it started; a failure is one message and exit 1.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildNeeded, finishBuild, startBuild } from './build.mjs';
import { SetupError } from './files.mjs';
import { installNeeded, recordInstall, startInstall } from './install.mjs';
import { acquire, release } from './lock.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

let child = null;
let interrupted = null;

export async function prepare(forceBuild) {
  watchSignals();
  try {
    // Looking is cheap and needs no lock as long as there is nothing to do. What is found to be
    // needed here is looked at again under the lock: a neighbour may have done it meanwhile.
    if (!forceBuild && installNeeded(root) === null && buildNeeded(root) === null) return;
    await acquire(root, say);
    try {
      await install();
      await build(forceBuild);
    } finally {
      release(root);
    }
  } catch (error) {
    if (interrupted) process.exitCode = 128 + interrupted.number;
    else {
      process.exitCode = 1;
      say(error instanceof SetupError ? error.message : `failed: ${error?.stack ?? error}`);
    }
  }
}

async function install() {
  const reason = installNeeded(root);
  if (reason === null) return;
  say(`installing dependencies (${reason})`);
  startInstall(root);
  const { command, args, shell } = npm();
  const flags = ['ci', '--include=dev', '--no-audit', '--no-fund', '--no-dry-run'];
  await run(command, [...args, ...flags], 'npm ci', shell);
  recordInstall(root);
}

async function build(force) {
  const reason = force ? 'asked for' : buildNeeded(root);
  if (reason === null) return;
  say(`building (${reason})`);
  const { compiler, args, stamp } = startBuild(root);
  await run(process.execPath, [compiler, ...args], 'tsc');
  finishBuild(root, stamp);
}

/** Runs one command with its output on stderr: stdout belongs to whatever runs after the set-up. */
function run(command, args, name, shell = false) {
  return new Promise((resolve, reject) => {
    if (interrupted) return reject(new SetupError('interrupted'));
    child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell });
    child.once('error', (error) =>
      reject(new SetupError(`cannot start ${name}: ${error.message}`)),
    );
    child.once('close', (code, signal) => {
      child = null;
      if (interrupted) reject(new SetupError('interrupted'));
      else if (code === 0) resolve();
      else reject(new SetupError(`${name} failed (${signal ?? `exit code ${code}`}); see above`));
    });
  });
}

/** The npm that called us, when one did; else the one on the path. */
function npm() {
  const path = process.env.npm_execpath ?? '';
  if (/npm-cli\.[cm]?js$/.test(path)) return { command: process.execPath, args: [path] };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/** The first signal ends the child and then us, so the lock is released last; the second is at once. */
function watchSignals() {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
  for (const [name, number] of Object.entries(numbers)) {
    process.on(name, () => {
      if (interrupted || child === null) {
        release(root);
        process.exit(128 + number);
      }
      interrupted = { number };
      child.kill(name);
    });
  }
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

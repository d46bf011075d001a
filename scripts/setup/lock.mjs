/**
 * One set-up at a time in a checkout: a file that names its owner.
 *
 * The file holds `pid token`. It comes into being complete (written aside, then linked into place),
 * so nobody ever reads half a lock. The token is new for every owner.
 *
 * A dead owner's lock is replaced, never deleted: whoever wants to replace it first makes a claim
 * file named after the dead owner's token, which only one process can. It then looks again that the
 * lock is still that owner's. From there on nobody else may touch the lock, so the rename over it
 * cannot hit a living owner.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOptional, SetupError } from './files.mjs';

const POLL_MS = 200;
const REMIND_MS = 15_000;
const WAIT_MS_MAX = 20 * 60_000;
/** A claim lives for a few system calls. One this old was left by a process that died there. */
const CLAIM_MS_MAX = 10_000;

const me = `${process.pid} ${randomBytes(8).toString('hex')}`;

/** Waits until this process owns the lock. `say` is told about a wait, first at once, then rarely. */
export async function acquire(root, say) {
  const lock = lockPath(root);
  const started = Date.now();
  let saidAt = 0;
  for (;;) {
    if (create(lock)) return;
    const owner = readOptional(lock);
    if (owner === null) continue; // Released between the two looks: try again at once.
    const [pid, token] = owner.split(' ');
    if (!alive(Number(pid)) && takeOver(lock, owner, token)) return;
    const now = Date.now();
    if (now - started > WAIT_MS_MAX) {
      throw new SetupError(`waited too long for process ${pid}, which holds ${lock}`);
    }
    if (now - saidAt > REMIND_MS) {
      const hint = saidAt === 0 ? '' : `; if it is no ptfrag set-up, delete ${lock}`;
      say(`waiting for process ${pid}, which is setting up this checkout${hint}`);
      saidAt = now;
    }
    await sleep(POLL_MS);
  }
}

/** Gives the lock back if this process holds it; harmless otherwise. */
export function release(root) {
  const lock = lockPath(root);
  if (readOptional(lock) === me) rmSync(lock, { force: true });
}

function lockPath(root) {
  return join(root, '.setup.lock');
}

/** True when this call made the file; false when there is one already. */
function create(path) {
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, me);
  try {
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    return createWithoutLinks(path, error);
  } finally {
    rmSync(aside, { force: true });
  }
}

/** For file systems without hard links. A reader may see the file empty for a moment: see alive(). */
function createWithoutLinks(path, reason) {
  if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EOPNOTSUPP'].includes(reason.code)) throw reason;
  try {
    writeFileSync(path, me, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function takeOver(lock, owner, token) {
  const claim = `${lock}.${token}`;
  if (!create(claim)) {
    const age = ageMs(claim);
    if (age !== null && age > CLAIM_MS_MAX) rmSync(claim, { force: true });
    return false;
  }
  try {
    if (readOptional(lock) !== owner) return false;
    const aside = `${lock}.${process.pid}`;
    writeFileSync(aside, me);
    renameSync(aside, lock);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return null;
  }
}

/** Whether a process with this number runs. A number that is not one counts as alive: wait. */
function alive(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

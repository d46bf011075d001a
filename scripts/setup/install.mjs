/**
 * Whether node_modules is what package-lock.json says.
 *
 * A stamp in node_modules records the lockfile's hash and Node's major version. Where there is no
 * stamp but npm's own record of what it installed agrees with the lockfile (somebody ran npm
 * themselves), that is taken as it is.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOptional } from './files.mjs';

const major = process.versions.node.split('.')[0];

/** Why an installation is needed, or null. */
export function installNeeded(root) {
  const modules = join(root, 'node_modules');
  if (!existsSync(modules)) return 'there are none yet';
  const stamp = readOptional(stampPath(root));
  if (stamp === currentStamp(root)) return null;
  const [, stampMajor = major] = stamp?.trim().split(' node ') ?? [];
  if (stampMajor !== major) return `they were installed for Node ${stampMajor}`;
  if (!installedAsLocked(root)) return 'package-lock.json asks for others';
  recordInstall(root);
  return null;
}

/** An installation that is cut short must not look complete afterwards. */
export function startInstall(root) {
  rmSync(stampPath(root), { force: true });
  rmSync(npmRecordPath(root), { force: true });
}

export function recordInstall(root) {
  writeFileSync(stampPath(root), currentStamp(root));
}

function stampPath(root) {
  return join(root, 'node_modules', '.ptfrag-stamp');
}

function npmRecordPath(root) {
  return join(root, 'node_modules', '.package-lock.json');
}

function currentStamp(root) {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lockfile).digest('hex')} node ${major}\n`;
}

/** Compares the lockfile with npm's record. Packages for other platforms may be missing from it. */
function installedAsLocked(root) {
  const record = readOptional(npmRecordPath(root));
  if (record === null) return false;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(record).packages;
  const paths = Object.keys(locked).filter((path) => path !== '');
  return (
    Object.keys(installed).every((path) => path in locked) &&
    paths.every((path) => {
      const found = installed[path];
      if (found === undefined) return locked[path].optional === true && !meantForHere(locked[path]);
      return found.version === locked[path].version && found.integrity === locked[path].integrity;
    })
  );
}

/** Whether a platform package is one for this machine; the C library is left out of the judgement. */
function meantForHere(entry) {
  const { os, cpu, libc } = entry;
  if (os === undefined && cpu === undefined) return false;
  const fits = (list, name) => list === undefined || list.includes(name);
  return fits(os, process.platform) && fits(cpu, process.arch) && libc === undefined;
}

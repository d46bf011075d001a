/**
 * Makes a checkout ready to run: dependencies as locked, dist/ as the sources say.
 *
 * npm runs it before start, test and the other commands; when nothing is to do it says nothing.
 * `node scripts/setup.mjs build` builds even when dist/ is up to date.
 *
 * This file keeps to syntax and modules that an old Node understands, so that an old Node is told
 * what is wrong instead of stumbling over the first new word. The work is in setup/prepare.mjs.
 */
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`ptfrag needs Node 20.19 or newer; this is ${process.version}.\n`);
  process.exit(1);
}

import('./setup/prepare.mjs').then((module) => module.prepare(process.argv.includes('build')));
